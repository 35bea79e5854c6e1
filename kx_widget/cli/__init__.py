"""The command `kx`."""

import io
import os
import sys
import warnings

from kx_widget.install import how_to_install


def main() -> None:
    """Run the command; whatever was raised on purpose is said in a sentence, and ends with code 1."""
    # TensorFlow would tell about its build first.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _write_any_character()
    warnings.formatwarning = _as_a_sentence
    try:
        from kx_widget.cli.evaluation_commands import app
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit(f"kx needs typer: {how_to_install('cli')}.")
    from kx_widget.engine.errors import KxError

    try:
        app(prog_name="kx")
    except (KxError, ImportError, OSError) as error:
        sys.exit(f"kx: {error}")


def _as_a_sentence(message: Warning | str, *_: object, **__: object) -> str:
    return f"kx: {message}\n"


def _write_any_character() -> None:
    """Let files and pipes be UTF-8 on every system; where somebody chose what has no "−", it is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            keeps = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if keeps else "utf-8", errors="backslashreplace")
