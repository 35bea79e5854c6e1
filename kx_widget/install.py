"""Where this package is installed from."""

# Its name on a package index, from the day on which it is published there. Until then nothing may install it by name:
# whoever registers the name would own the reader's machine.
PUBLISHED = ""
# What explains a model; the ordinary installation brings it wherever there is a release of it.
TENSORFLOW = "pip install 'tensorflow>=2.16', which brings Keras, on Python 3.10 to 3.13"


def how_to_install(extra: str) -> str:
    """The command that installs the package with one of its extras."""
    if PUBLISHED:
        return f"pip install '{PUBLISHED}[{extra}]'"
    return f"pip install '.[{extra}]' in a clone of kx_widget"
