"""Where this package is installed from, and what else it needs."""

from importlib import metadata

# Its name on a package index, from the day on which it is published there. Until then nothing may install it by name:
# whoever registers the name would own the reader's machine.
PUBLISHED = ""
# What explains a model; the ordinary installation brings it wherever there is a release of it.
TENSORFLOW = "pip install 'tensorflow>=2.16', which brings Keras, on Python 3.10 to 3.13"


def how_to_install(extra: str) -> str:
    """The command that installs what one of the package's extras brings."""
    if PUBLISHED:
        return f"pip install '{PUBLISHED}[{extra}]'"
    lines = [line.replace("'", '"').split("; ") for line in metadata.requires("kx-widget") or ()]
    packages = [repr(requirement) for requirement, *marker in lines if marker == [f'extra == "{extra}"']]
    return f"pip install {' '.join(packages)}"
