"""What README.md and docs tell runs as it is written, and their links lead somewhere."""

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import matplotlib
import pytest
from pymdownx.slugs import slugify
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import kx_widget as kx
from kx_widget import cli
from tests import prepared
from tools.site import public_names, tutorials

ROOT = Path(__file__).parents[1]
# Tutorials are notebooks that were run.
PAGES = [
    ROOT / "README.md",
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "tutorials"),
]
LINKED = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^ *```(\w*)$.*?^ *```$", re.S | re.M)
# Blocks that nothing runs; all others are in a language that says how.
NOT_CODE = {"mermaid", "text", "yaml"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run_shell(example: Example) -> None:
    """Run a block of commands where the page's files are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(example.namespace["shell"])
        for command in example.parsed.splitlines():
            run = run_kx if command.startswith("kx ") else run_command
            status, output = run(command)
            assert status == 0, f"{example.path}:{example.line}\n{command}\n{output}"


def run_kx(command: str) -> tuple[int, str]:
    """Run `kx`, or `kx … > FILE`, without another start of TensorFlow; return its exit code and what it said."""
    words, output, errors = shlex.split(command, comments=True), io.StringIO(), io.StringIO()
    arguments, file = (words[1:-2], words[-1]) if ">" in words else (words[1:], None)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        patch.setattr(sys, "argv", ["kx", *arguments])
        patch.setattr("webbrowser.open", Mock())
        with pytest.raises(SystemExit) as ended:
            cli.main()
    if file:
        Path(file).write_text(output.getvalue(), encoding="utf-8")
    code = ended.value.code
    return 0 if code in (None, 0) else 1, f"{output.getvalue()}{errors.getvalue()}{code}"


def run_command(command: str) -> tuple[int, str]:
    """Run any other command; of `make` only whether it knows what is to be done."""
    command = re.sub(r"^make ", f"make --dry-run --directory {ROOT} ", command)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    return done.returncode, done.stdout


PARSERS = [PythonCodeBlockParser(), CodeBlockParser("sh", run_shell), SkipParser()]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pages speak of."""
    return prepared.folder(tmp_path_factory.mktemp("files"))


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in PAGES if BLOCK.search(path.read_text("utf-8"))], ids=name_of)
def test_a_page_runs_as_it_is_written(path: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    matplotlib.use("agg")
    for name in ("python", "shell"):
        (tmp_path / name).mkdir()
        for file in files.iterdir():
            (tmp_path / name / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path / "python")
    # How slow a machine may be is no business of this test.
    monkeypatch.setattr(kx.KxWidget.wait, "__defaults__", (900,))
    document = Sybil(PARSERS, path=str(ROOT)).parse(path)
    names: dict[str, Any] = prepared.NAMES.get(name_of(path), prepared.sample_names)()
    document.namespace.update(names, shell=tmp_path / "shell")
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        for value in document.namespace.values():
            if isinstance(value, kx.KxWidget):
                value.close()
        document.namespace.clear()


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_each_block_says_how_it_is_run(path: Path):
    languages = {match[1] for match in BLOCK.finditer(path.read_text("utf-8"))}
    assert languages <= {"python", "sh", *NOT_CODE}


def test_few_blocks_are_left_out():
    """Each says why, where a reader does not see it."""
    texts = [path.read_text("utf-8") for path in PAGES]
    assert sum(len(re.findall(r"<!-- skip: ", text)) for text in texts) <= 10
    assert all(
        re.search(r'next, "[^"]{10,}"', line) for text in texts for line in text.splitlines() if "<!-- skip:" in line
    )


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=name_of)
def test_a_tutorial_is_what_its_notebook_is_now(path: Path):
    """`make docs-notebooks NAMES=…` writes it anew."""
    digest = tutorials.sources(tutorials.read(path.stem))
    assert digest in (ROOT / f"docs/tutorials/{path.stem}.md").read_text("utf-8").splitlines()[0]


def test_a_public_name_without_words_or_place_is_told():
    package = public_names.load()
    names = set(public_names.public(package))
    assert public_names.missing(package, names) == []
    assert public_names.missing(package, names - {"kx_widget.KxWidget"}) == [
        "kx_widget.KxWidget is not in the reference."
    ]
    package["engine.explanation.Explanation.heatmaps"].docstring = None
    package["engine.targets.contrast"].docstring = None
    assert [problem.split(" has ")[0] for problem in public_names.missing(package, names)] == [
        "kx_widget.Explanation.heatmaps",
        "kx_widget.contrast",
    ]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings, and so does the site."""
    slug = slugify(case="lower")
    text = BLOCK.sub("", path.read_text("utf-8"))
    return {slug(re.sub(r"[`*]", "", heading), "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("path", LINKED, ids=name_of)
def test_links_lead_somewhere_on_github(path: Path):
    text = re.sub(r"`[^`\n]+`(?!\])", "", BLOCK.sub("", path.read_text("utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name}: {target}"
        # The reference's anchors are those of docstrings; the site itself checks these.
        if anchor and not anchor.startswith("kx_widget."):
            assert anchor in anchors(linked), f"{path.name}: {target}"
