"""Where TensorFlow is not installed, everything works that explains nothing: tried with imports of it refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import kx_widget as kx
from tests.no_tensorflow.make import make

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make(folder)
    return folder


def test_entry_points_without_tensorflow(made):
    command = ["-m", "pytest", "-q", "-p", "tests.no_tensorflow.blocked", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *command, "tests/no_tensorflow/entry_points.py"],
        cwd=ROOT,
        env=os.environ | {"KX_MADE": str(made)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_needs_no_tensorflow_does_not_load_it(made):
    """Where it is installed, it would take seconds."""
    code = (
        "import sys, kx_widget as kx\n"
        f"with kx.KxWidget.from_store({str(made / 'maps.parquet')!r}) as widget: widget.wait()\n"
        "for name in kx.__all__: name == 'ExplainCallback' or getattr(kx, name)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_sentence_is_an_error_of_ours_and_of_imports():
    assert issubclass(kx.MissingPackageError, (kx.KxError, ImportError))
