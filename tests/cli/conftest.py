"""The command, and a model to ask it about."""

import warnings

import keras
import pytest

from kx_widget.cli import main
from tests import models


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.utils.set_random_seed(0)
    models.residual().save(path)
    return path


@pytest.fixture
def kx_command(monkeypatch, capsys):
    """Run `kx …`: exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kx", *map(str, arguments)])
        # The command has its own, for good.
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        # What Python does with sys.exit("text").
        return (1, out, err + code) if isinstance(code, str) else (code or 0, out, err)

    return run
