"""The files of npm's packages that are used as they are, without what they depend on; kept in `build/npm`."""

import base64
import hashlib
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "build/npm"


def fetch(name: str, version: str, integrity: str) -> Path:
    """The folder of a package's files, after `npm pack` if they are not there yet.

    Raises:
        ValueError: what npm sends is not what was meant.
    """
    folder = FOLDER / f"{name.replace('/', '-')}-{version}"
    if folder.is_dir():
        return folder
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, f"{name}@{version}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(scratch).glob("*.tgz")
        if f"sha512-{base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()}" != integrity:
            raise ValueError(f"npm's {name} {version} is not the one that this was written with.")
        subprocess.run(["tar", "-xf", packed, "-C", scratch], check=True)
        (Path(scratch) / "package").rename(folder)
    return folder
