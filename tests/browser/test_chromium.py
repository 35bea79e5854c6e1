"""Finding a browser, and getting one where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser import chromium

APT = """#!/bin/sh
echo "$@" >> "{folder}/apt-calls"
[ "$1" = update ] || {{ echo '#!/bin/sh' > "{folder}/chromium"; /bin/chmod +x "{folder}/chromium"; }}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no browser, whose programs are those of an empty folder."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "MAC", tmp_path / "Google Chrome")
    return tmp_path


def add_program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_the_systems_browser_is_found(machine: Path, name: str) -> None:
    path = add_program(machine, name)
    assert chromium.require() == path
    assert chromium.main() == 0


def test_the_named_browser_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_program(machine, "chromium")
    monkeypatch.setenv("CHROMIUM", add_program(machine, "mine"))
    assert chromium.find() == str(machine / "mine")


def test_debian_as_root_installs_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_program(machine, "apt-get", APT.format(folder=machine))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert chromium.main() == 0
    assert (machine / "apt-calls").read_text(encoding="utf-8") == "update\ninstall -y chromium\n"


@pytest.mark.parametrize("user", [0, 1000])
def test_otherwise_one_sentence_says_what_to_install(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], user: int
) -> None:
    if user:
        add_program(machine, "apt-get", APT.format(folder=machine))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert chromium.main() == 1
    assert capsys.readouterr().err == f"{chromium.CURE}\n"
    assert not (machine / "apt-calls").exists()
    with pytest.raises(FileNotFoundError, match="install one"):
        chromium.require()
