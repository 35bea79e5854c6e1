"""What `pip install` gets: the wheel and the sdist, with Node.js and without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
MEGABYTES = 8
BUNDLE = "kx_widget/widget/static/widget.js"
FAKE_NPM = """#!/bin/sh
echo "$@" >> npm-calls
[ "$1" = ci ] && exit
mkdir -p kx_widget/widget/static && echo "export default 1" > kx_widget/widget/static/widget.js
"""


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    return Path(next(SdistBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture
def unpacked(sdist: Path, tmp_path: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / sdist.name.removesuffix(".tar.gz")


@pytest.fixture
def checkout(unpacked: Path) -> Path:
    """The sources as git has them: no bundle, and not the mark of an sdist."""
    (unpacked / BUNDLE).unlink()
    (unpacked / "PKG-INFO").unlink()
    return unpacked


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a clone gives."""
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def build_wheel(tree: Path, path: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Build the tree's wheel with nothing but `path` to find programs in."""
    return subprocess.run(
        [python, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PATH": str(path)},
        capture_output=True,
        encoding="utf-8",
    )


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a virtual environment in which nothing is installed but these, taken from this one, and pip."""
    venv.create(folder, with_pip=not packages)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    left, copied = [*packages], set[str]()
    while left:
        package = distribution(left.pop())
        if package.name in copied:
            continue
        copied.add(package.name)
        for file in package.files or ():
            if ".." not in file.parts:
                (site_packages / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), site_packages / file)
        needed = map(Requirement, package.requires or ())
        left += [r.name for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return folder / "bin" / "python"


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def programs(folder: Path, **scripts: str) -> Path:
    """A folder of executables."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("mkdir", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def test_wheel_carries_the_bundle_and_the_samples(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {i.filename: i.file_size for i in archive.infolist()}
    assert sizes[BUNDLE] == (ROOT / BUNDLE).stat().st_size
    shipped = {p.relative_to(ROOT).as_posix() for p in (ROOT / "kx_widget/samples/data").rglob("*") if p.is_file()}
    assert shipped
    assert shipped <= sizes.keys()
    assert {name.split("/")[0] for name in sizes} == {"kx_widget", "kx_widget-0.1.0.dist-info"}
    assert "kx_widget/py.typed" in sizes
    assert wheel.stat().st_size <= MEGABYTES * 1e6
    code = {name.removeprefix("kx_widget/samples/") for name in sizes if re.match(r"kx_widget/samples/.*\.py", name)}
    assert code == {"__init__.py", "scenes.py", "tags.py", "thermal.py"}, "what makes the samples stays in the clone"


def test_sdist_builds_the_wheel_of_the_clone_without_node(unpacked: Path, wheel: Path, tmp_path: Path) -> None:
    # Unpacking may leave the bundle older than its sources.
    os.utime(unpacked / BUNDLE, (0, 0))
    python = environment(tmp_path / "builder", "hatchling")
    done = build_wheel(unpacked, programs(tmp_path / "bin"), str(python))
    assert done.returncode == 0, done.stderr
    (built,) = (unpacked / "out").glob("*.whl")
    assert built.name == wheel.name
    assert contents(built) == contents(wheel)


def test_wheel_is_installed_without_node_and_without_network(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "bare")
    pip = [python, "-m", "pip", "--isolated", "install", "--no-index", "--no-deps", wheel]
    alone = {"cwd": tmp_path, "check": True, "capture_output": True, "encoding": "utf-8"}
    env = {"PATH": str(programs(tmp_path / "bin"))}
    subprocess.run(pip, env=env, **alone)
    code = "import kx_widget as kx; print(kx.__file__); print(kx.__version__)"
    file, version = subprocess.run([python, "-I", "-c", code], env=env, **alone).stdout.splitlines()
    package = Path(file).parent
    assert tmp_path / "bare" in package.parents
    assert version == "0.1.0"
    for name, data in contents(wheel).items():
        if not name.endswith(("/RECORD", "/WHEEL")):
            assert (package.parent / name).read_bytes() == data


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ({}, "install it and build again, or install a kx-widget wheel."),
        ({"node": "#!/bin/sh\necho v18.20.1\n", "npm": FAKE_NPM}, "and this is v18.20.1"),
    ],
    ids=["absent", "old"],
)
def test_without_a_fit_node_one_sentence_says_what_to_install(
    checkout: Path, tmp_path: Path, scripts: dict[str, str], expected: str
) -> None:
    done = build_wheel(checkout, programs(tmp_path / "bin", **scripts))
    assert done.returncode != 0
    message = (done.stdout + done.stderr).strip()
    assert "needs Node.js 20 or newer with npm" in message
    assert expected in message
    assert len(message.splitlines()) == 1


def test_bundle_is_built_when_absent_or_older_than_a_source(checkout: Path, tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", node="#!/bin/sh\necho v20.1.0\n", npm=FAKE_NPM)
    calls = checkout / "npm-calls"
    for expected in ("ci --no-audit --no-fund\nrun build\n", ""):
        calls.write_text("", encoding="utf-8")
        assert build_wheel(checkout, path).returncode == 0
        assert calls.read_text(encoding="utf-8") == expected
    source = next((checkout / "js/src").rglob("*.ts"))
    newer = (checkout / BUNDLE).stat().st_mtime + 1
    os.utime(source, (newer, newer))
    assert build_wheel(checkout, path).returncode == 0
    assert calls.read_text(encoding="utf-8").endswith("run build\n")


def test_failing_npm_build_fails_the_wheel(checkout: Path, tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", node="#!/bin/sh\necho v20.1.0\n", npm="#!/bin/sh\nexit 3\n")
    done = build_wheel(checkout, path)
    assert done.returncode != 0
    assert "`npm ci --no-audit --no-fund` failed" in done.stdout + done.stderr
