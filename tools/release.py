"""What a release is made of: ``python -m tools.release write``, ``check``, ``notes``, ``recipe``, ``readme``.

pyproject.toml is where names, versions and addresses are told; CITATION.cff and conda/recipe.yaml repeat it, so `write`
writes them. The address of the repository is [project.urls] Repository, and nowhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement

from kx_widget import __version__
from kx_widget.install import PUBLISHED

ROOT = Path(__file__).parents[1]
CITATION = ROOT / "CITATION.cff"
RECIPE = ROOT / "conda/recipe.yaml"
CHANGELOG = ROOT / "CHANGELOG.md"
README = ROOT / "README.md"
# A link of Markdown or HTML to something in the repository.
LINK = re.compile(r'(\]\(|(?:src|srcset|href)=")(?![a-z]+:|#)([^)"\s]+)')
PICTURE = re.compile(r"\.(webp|png|jpe?g|svg|gif)$")
GENERATED = "# python -m tools.release write: from pyproject.toml\n"
# Those for which conda has TensorFlow.
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def project(root: Path = ROOT) -> Any:
    """What pyproject.toml says, as the build reads it."""
    return ProjectMetadata(str(root), PluginManager()).core


def address(core: Any) -> str | None:
    """Where the repository is, None as long as it is nowhere."""
    return core.urls.get("Repository", "").rstrip("/") or None


def section(changelog: str, version: str) -> tuple[str, str] | None:
    """The date of a version, "" where it has none, and what the changelog says of it; None where it is silent."""
    found = re.search(rf"^## {re.escape(version)}(?: - (\S+))?\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    return found and (found[1] or "", found[2].strip())


def citation(core: Any, changelog: str) -> dict[str, Any]:
    """CITATION.cff."""
    date, _ = section(changelog, core.version) or ("", "")
    return {
        "cff-version": "1.2.0",
        "message": "If you use kx_widget in your work, please cite it, and the paper of each method that you show.",
        "type": "software",
        "title": core.name,
        "abstract": core.description,
        "authors": [{"name": author["name"]} for author in core.authors],
        "license": core.license_expression,
        "keywords": sorted(core.keywords),
        "version": core.version,
        **({"date-released": date} if date else {}),
        **({"repository-code": address(core)} if address(core) else {}),
    }


def recipe(core: Any, sdist: Path | None = None) -> dict[str, Any]:
    """conda/recipe.yaml, of an sdist that `make build` wrote; of one that is published where the file is given."""
    archive = f"{core.name.replace('-', '_')}-{core.version}.tar.gz"
    where: dict[str, Any] = {"path": f"../dist/{archive}"}
    if sdist is not None:
        where = {
            "url": f"{address(core)}/releases/download/v{core.version}/{archive}",
            "sha256": hashlib.sha256(sdist.read_bytes()).hexdigest(),
        }
    return {
        "schema_version": 1,
        "context": {"version": core.version, "python_min": core.requires_python.removeprefix(">=")},
        "package": {"name": core.name, "version": "${{ version }}"},
        "source": where,
        "build": {
            "number": 0,
            "noarch": "python",
            "script": "${{ PYTHON }} -m pip install . -vv --no-deps --no-build-isolation",
        },
        "requirements": {
            "host": ["python ${{ python_min }}.*", "pip", "hatchling >=1.26"],
            "run": ["python >=${{ python_min }}", *map(conda_name, dependencies(core))],
        },
        "tests": [
            {
                "python": {
                    "imports": ["kx_widget", "kx_widget.widget.widget"],
                    "pip_check": True,
                    "python_version": "${{ python_min }}.*",
                }
            }
        ],
        "about": {
            "summary": core.description,
            "license": core.license_expression,
            "license_file": "LICENSE",
            **({"repository": address(core)} if address(core) else {}),
        },
    }


def dependencies(core: Any) -> list[Requirement]:
    """Those of every Python that is supported.

    Raises:
        ValueError: one is for some of them only, which a package for all of them cannot say.
    """
    needed = [Requirement(text) for text in core.dependencies]
    for requirement in needed:
        marker = requirement.marker
        if marker and not all(marker.evaluate({"python_version": version}) for version in PYTHONS):
            raise ValueError(f"conda/recipe.yaml cannot tell that {requirement} is for some Pythons only.")
    return needed


def conda_name(requirement: Requirement) -> str:
    """A dependency as conda writes it."""
    return f"{requirement.name.lower()} {requirement.specifier}".strip()


def readme(text: str, core: Any) -> str:
    """README.md as it is shown where the repository is not: its links lead to the repository, as it was released."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if PICTURE.search(link[2]) else "blob"
        return f"{link[1]}{address(core)}/{kind}/v{core.version}/{link[2]}"

    return LINK.sub(absolute, text)


def text_of(document: dict[str, Any]) -> str:
    """A file of YAML, with the line that says where it is from."""
    return GENERATED + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def documents(core: Any, changelog: str) -> dict[Path, str]:
    """The files that are written, and what is in them."""
    return {CITATION: text_of(citation(core, changelog)), RECIPE: text_of(recipe(core))}


def problems(tag: str, core: Any, changelog: str, published: str, version: str) -> list[str]:
    """What stands in the way of a release, each in one sentence.

    Args:
        tag: of the release.
        core: what pyproject.toml says.
        changelog: its text.
        published: the name under which kx_widget says that it can be installed.
        version: of kx_widget.
    """
    stale = [path for path, text in documents(core, changelog).items() if read(path) != text]
    date, notes = section(changelog, version) or ("", "")
    checks = {
        f"The tag {tag} is not v{version}, the version in kx_widget/version.py.": tag == f"v{version}",
        f"pyproject.toml has the version {core.version}, and kx_widget/version.py {version}.": core.version == version,
        "pyproject.toml has no [project.urls] Repository.": address(core) is not None,
        f"CHANGELOG.md has no section `## {version} - YYYY-MM-DD` that says something.": bool(
            re.fullmatch(r"\d{4}-\d\d-\d\d", date) and notes
        ),
        f"PUBLISHED in kx_widget/install.py is not {core.name!r}.": published == core.name,
        f"`python -m tools.release write` was not run: {', '.join(path.name for path in stale)}.": not stale,
    }
    return [problem for problem, holds in checks.items() if not holds]


def read(path: Path) -> str:
    """A text file, "" where it is not there."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="write CITATION.cff and conda/recipe.yaml")
    commands.add_parser("check", help="is everything ready for this tag?").add_argument("tag")
    commands.add_parser("notes", help="print what the changelog says of this version")
    commands.add_parser("recipe", help="print conda's recipe of a published sdist").add_argument("sdist", type=Path)
    commands.add_parser("readme", help="let the links of README.md lead to the repository, before a build")
    arguments, core, changelog = parser.parse_args(), project(), read(CHANGELOG)
    if arguments.command == "check":
        said = problems(arguments.tag, core, changelog, PUBLISHED, __version__)
        print("\n".join(said) or f"{arguments.tag} can be released.")
        return bool(said)
    if arguments.command == "notes":
        print((section(changelog, core.version) or ("", ""))[1])
    elif arguments.command == "recipe":
        print(text_of(recipe(core, arguments.sdist)), end="")
    elif arguments.command == "readme":
        README.write_text(readme(read(README), core), encoding="utf-8", newline="\n")
    else:
        for path, text in documents(core, changelog).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
