"""What would break on Windows alone, looked for or imitated on POSIX."""

import ast
import fcntl
import ntpath
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from kx_widget.bulk import job
from kx_widget.engine import files
from kx_widget.engine.errors import FormatError

ROOT = Path(__file__).parents[1]
# What runs there: the package, its build, the tools and the tests of a release.
SOURCES = [path for folder in ("kx_widget", "js", "tools", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    *("os.fork", "os.getloadavg", "os.getuid", "os.geteuid", "os.killpg", "os.mkfifo", "os.sched_getaffinity"),
    *("os.setsid", "os.sysconf", "os.uname", "os.wait", "signal.SIGALRM", "signal.SIGKILL", "signal.SIGUSR1"),
    *("signal.alarm", "signal.pause", "signal.pthread_kill", "signal.setitimer"),
}
# Not in file names there, nor as names, whatever follows the dot.
FORBIDDEN = re.compile(r'[<>:"|?*\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
# Windows takes 260 characters, of which a folder may need as many as are left.
LONGEST_PATH = 120


def calls(path: Path) -> Iterator[tuple[ast.Call, str, set[str | None]]]:
    """Each call in a file, its function's name, and its keywords."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield node, name, {keyword.arg for keyword in node.keywords}


def reads_text(node: ast.Call, name: str, keywords: set[str | None]) -> bool:
    """Whether a call opens text, of a file or of a process."""
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    match name:
        case "open" if isinstance(node.func, ast.Name):
            mode = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else "r"
            return "b" not in str(mode)
        case "open":
            return isinstance(first, str) and re.fullmatch(r"[rwax]\+?t?", first) is not None
        case "read_text":
            return not node.args
        case "run" | "Popen" | "check_output":
            return bool({"text", "universal_newlines"} & keywords)
    return name == "write_text"


def test_text_is_utf_8_whatever_the_system_writes():
    unspoken = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node, name, keywords in calls(path)
        if reads_text(node, name, keywords) and "encoding" not in keywords
    ]
    assert not unspoken, "pass encoding="


def test_the_package_needs_nothing_of_posix():
    """But for the lock of a folder, which Windows has another for."""
    needed = set()
    for path in (ROOT / "kx_widget").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    needed |= {(path.name, alias.name) for alias in names if alias.name in POSIX_MODULES}
                case ast.ImportFrom(module=str(module)) if module in POSIX_MODULES:
                    needed.add((path.name, module))
                case ast.Attribute(value=ast.Name(id=module), attr=name) if f"{module}.{name}" in POSIX_NAMES:
                    needed.add((path.name, f"{module}.{name}"))
    assert needed == {("job.py", "fcntl")}


def test_every_file_can_be_checked_out():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8")
    paths = listed.stdout.splitlines()
    assert not [path for path in paths if len(path) > LONGEST_PATH or any(map(FORBIDDEN.search, path.split("/")))]
    assert len({path.lower() for path in paths}) == len(paths), "names that differ in case alone"


@pytest.fixture
def windows_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "os", SimpleNamespace(path=ntpath, curdir=ntpath.curdir))


@pytest.mark.parametrize(
    ("paths", "folder", "names"),
    [
        (["C:\\photos\\a.jpg", "C:\\photos\\cats\\b.jpg"], "C:\\photos", ["a.jpg", "cats\\b.jpg"]),
        (["C:\\a.jpg", "D:\\b.jpg"], None, ["C:\\a.jpg", "D:\\b.jpg"]),
        (["C:\\photos\\a.jpg", "photos\\b.jpg"], None, ["C:\\photos\\a.jpg", "photos\\b.jpg"]),
        (["photos\\a.jpg", "photos\\b.jpg"], "photos", ["a.jpg", "b.jpg"]),
        (["a.jpg", "b.jpg"], ".", ["a.jpg", "b.jpg"]),
    ],
    ids=["folder", "drives", "relative beside absolute", "relative", "here"],
)
def test_photos_may_lie_on_several_drives(windows_paths: None, paths: list[str], folder: str | None, names: list[str]):
    assert files.common_folder(paths) == folder
    assert [files.below(folder, path) for path in paths] == names


def test_a_photo_on_another_drive_keeps_its_path(windows_paths: None):
    assert files.below("C:\\photos", "D:\\b.jpg") == "D:\\b.jpg"
    assert files.shared_names(["C:\\x\\a.jpg", "D:\\y\\a.jpg"]) == ("a.jpg", "a.jpg")


def test_a_store_is_locked_by_a_file_where_folders_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The other module locks for real, by what Linux has."""
    msvcrt = ModuleType("msvcrt")
    msvcrt.LK_NBLCK = fcntl.LOCK_EX | fcntl.LOCK_NB
    msvcrt.locking = lambda descriptor, mode, count: fcntl.flock(descriptor, mode)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    store = tmp_path / "store"
    with job.open_folder(store, {"id": "one"}):
        assert (store / job.LOCK).is_file()
        with pytest.raises(FormatError, match="Another run is at work"), job.open_folder(store, {"id": "one"}):
            pass
    assert not (store / job.LOCK).exists()
    with job.open_folder(store, {"id": "two"}) as written:
        assert written == {"id": "two"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # As a pipe of Windows is, and as somebody may ask for it.
        ({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}, "2ⁿ".encode()),
        ({"PYTHONIOENCODING": "cp1252"}, rb"2\u207f"),
    ],
    ids=["a pipe", "code page 1252"],
)
def test_the_command_writes_to_pipes_that_are_not_utf_8(settings: dict[str, str], expected: bytes):
    command = [sys.executable, "-c", "from kx_widget.cli import main; main()", "methods"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
