"""Put the tests where the sources are not: `python tests/matrix.py ROOT FOLDER`, as `make matrix` does."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

BESIDE = ("docs/models.md", "js/src/messages.ts")


def main(root: Path, folder: Path) -> None:
    shutil.copytree(root / "tests", folder / "tests", dirs_exist_ok=True)
    for name in BESIDE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    packages = ("tensorflow", "keras", "numpy", "anywidget", "ipywidgets", "ipykernel", "Pillow")
    print(f"Python {sys.version.split()[0]},", ", ".join(f"{p} {version(p)}" for p in packages), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
