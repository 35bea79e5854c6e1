"""What a release is made of says the same everywhere, and the workflows name what is there."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rattler_build import Stage0Recipe, VariantConfig

from kx_widget import __version__
from tools import release

ROOT = Path(__file__).parents[1]
ADDRESS = "https://example.org/somebody/kx_widget"
CHANGES = "# Changelog\n\n## 0.1.0 - 2030-01-31\n\n### Added\n\n- All of it.\n\n## 0.0.1 - 2029-01-01\n\n- Less.\n"
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob(".github/workflows/*.yml")
}


def strings(value: Any) -> list[str]:
    """All texts in a document."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.fixture
def published(tmp_path: Path) -> Any:
    """What the metadata say once the repository has an address."""
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    urls = f'[project.urls]\nRepository = "{ADDRESS}/"\n\n[project.scripts]'
    (tmp_path / "pyproject.toml").write_text(text.replace("[project.scripts]", urls), encoding="utf-8")
    return release.project(tmp_path)


def test_generated_files_are_fresh():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for path, text in release.documents(release.project(), changelog).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m tools.release write"


def test_recipe_needs_what_the_wheel_needs():
    (variant,) = Stage0Recipe.from_file(str(release.RECIPE)).render(VariantConfig())
    rendered = variant.recipe.to_dict()
    python, *needed = (text.partition(" ") for text in rendered["requirements"]["run"])
    core = release.project()
    assert SpecifierSet(python[2]) == SpecifierSet(core.requires_python)
    assert {name: SpecifierSet(versions) for name, _, versions in needed} == {
        requirement.name.lower(): requirement.specifier for requirement in map(Requirement, core.dependencies)
    }
    assert rendered["package"] == {"name": "kx-widget", "version": __version__}


def test_a_dependency_of_some_pythons_only_is_refused(tmp_path: Path):
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = text.replace('"tqdm>=4.65"', "\"tqdm>=4.65; python_version >= '3.12'\"")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="cannot tell that tqdm"):
        release.recipe(release.project(tmp_path))


def test_the_address_reaches_the_citation_and_the_recipe(published: Any, tmp_path: Path):
    sdist = tmp_path / "kx_widget-0.1.0.tar.gz"
    sdist.write_bytes(b"an archive")
    assert release.citation(published, CHANGES)["repository-code"] == ADDRESS
    assert release.citation(published, CHANGES)["date-released"] == "2030-01-31"
    recipe = release.recipe(published, sdist)
    assert recipe["source"] == {
        "url": f"{ADDRESS}/releases/download/v0.1.0/kx_widget-0.1.0.tar.gz",
        "sha256": hashlib.sha256(b"an archive").hexdigest(),
    }
    assert recipe["about"]["repository"] == ADDRESS


def test_a_release_is_checked(published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(release, "CITATION", tmp_path / "CITATION.cff")
    monkeypatch.setattr(release, "RECIPE", tmp_path / "recipe.yaml")
    for path, text in release.documents(published, CHANGES).items():
        path.write_text(text, encoding="utf-8")
    right = {"tag": "v0.1.0", "core": published, "changelog": CHANGES, "published": "kx-widget", "version": "0.1.0"}
    assert release.problems(**right) == []
    for name, wrong, problem in [
        ("tag", "v0.2.0", "The tag v0.2.0 is not v0.1.0"),
        ("tag", "0.1.0", "The tag 0.1.0 is not v0.1.0"),
        ("version", "0.1.1", "has the version 0.1.0"),
        ("core", release.project(), "no [project.urls] Repository"),
        ("changelog", CHANGES.replace("2030-01-31", "soon"), "no section `## 0.1.0"),
        ("changelog", "# Changelog\n\n## Unreleased\n\n- All of it.\n", "no section `## 0.1.0"),
        ("published", "", "PUBLISHED in kx_widget/install.py"),
        ("changelog", CHANGES.replace("01-31", "02-01"), "was not run: CITATION.cff."),
    ]:
        assert any(problem in said for said in release.problems(**right | {name: wrong})), problem


def test_notes_are_those_of_the_version():
    assert release.section(CHANGES, "0.1.0") == ("2030-01-31", "### Added\n\n- All of it.")
    assert release.section(CHANGES, "0.0.1") == ("2029-01-01", "- Less.")
    assert release.section(CHANGES, "0.1.") is None


def test_links_of_the_readme_lead_to_the_release(published: Any):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = release.readme(text, published)
    begun = f"{ADDRESS}/(raw|blob)/v0.1.0/"
    links = re.findall(rf"{begun}([^)\"#\s]+)", shown)
    assert {("raw", "docs/demo-light.webp"), ("raw", "docs/demo-dark.webp"), ("blob", "docs/bulk.md")} <= set(links)
    assert all((ROOT / path).exists() for _, path in links)
    assert not re.findall(r'\]\((?!https?:|#)|(?:src|srcset|href)="(?!https?:|#)', shown)
    assert re.sub(begun, "", shown) == text


def test_only_pyproject_tells_the_address():
    """What is generated from it may repeat it."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
    named = []
    for name in set(files.splitlines()) - {
        "pyproject.toml",
        "CITATION.cff",
        "conda/recipe.yaml",
        "tests/test_release.py",
    }:
        text = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        named += [(name, found) for found in re.findall(rb"https?://[\w.-]+/[\w./-]*kx[-_]widget", text)]
    assert not named


def test_actions_are_pinned_to_commits():
    files = [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob(".github/actions/*/action.yml")]
    used = [line for path in files for line in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))]
    assert len(used) > 10
    versions = dict[str, set[str]]()
    for action in used:
        if action.startswith("$/"):
            place = ROOT / action.removeprefix("$/")
            assert place.is_file() or (place / "action.yml").is_file(), action
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
            versions.setdefault(action.partition("@")[0], set()).add(action)
    assert all(len(pins) == 1 for pins in versions.values()), versions


def test_workflows_run_what_is_there():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    jobs = {f"{stem}.{name}": job for stem, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()}
    runs = [text for job in jobs.values() for step in job.get("steps", []) for text in strings(step.get("run"))]
    made = {
        target
        for run in runs
        for targets in re.findall(r"make ([a-z-]+(?: [a-z-]+)*)$", run, re.M)
        for target in targets.split()
    }
    assert {"check", "coverage", "test-browser", "matrix", "docs", "build", "test-browsers"} <= made
    assert made <= set(targets)
    modules = {module for run in runs for module in re.findall(r"-m (tools\.\w+)", run)}
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in modules)
    tested = {path for run in runs for path in re.findall(r"\btests/[\w/.]+", run)}
    assert len(tested) > 5
    assert all((ROOT / path).exists() for path in tested)
    for name, job in jobs.items():
        assert {f"{name.partition('.')[0]}.{need}" for need in strings([job.get("needs", [])])} <= jobs.keys()
        axes = job.get("strategy", {}).get("matrix", {})
        assert {axis for text in strings(job) for axis in re.findall(r"{{ matrix\.(\w+)", text)} == set(axes)


def test_every_supported_python_is_tested_on_every_system():
    matrix = WORKFLOWS["tests"]["jobs"]["systems"]["strategy"]["matrix"]
    supported = {text.rpartition(" ")[2] for text in release.project().classifiers if re.search(r":: 3\.\d+$", text)}
    assert set(matrix["python"]) == supported
    assert {system.partition("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}


def test_only_the_jobs_that_publish_may_write():
    for stem, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, stem
        writers = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
        assert (
            writers
            == {
                "tests": {},
                "docs": {"publish": {"pages": "write", "id-token": "write"}},
                "release": {"publish": {"id-token": "write"}, "page": {"contents": "write"}},
            }[stem]
        )
