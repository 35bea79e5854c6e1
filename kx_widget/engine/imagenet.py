"""Names of the 1000 ImageNet (ILSVRC 2012) classes, each the first word of its WordNet synset."""

from importlib.resources import files


def names() -> list[str]:
    """The names in the order of the classes."""
    return files("kx_widget.engine").joinpath("imagenet.txt").read_text("utf-8").splitlines()
