"""The regions of a question, as traits and messages have them: by the number of an image, or of all others."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets as t

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.regions import WINS, Region, parse_regions
from kx_widget.widget.image_sources import ImageSource

PlainRegion = dict[str, Any]
PlainRegions = Mapping[str, PlainRegion]
# Of all images that have no region of their own.
OTHERS = "others"
PLAIN_WINS = WINS.as_plain()


class Regions(t.TraitType[Any, Any]):
    """What `plain_regions` tells; nothing in it is the default."""

    def validate(self, obj: Any, value: Any) -> PlainRegions:
        """The regions, each as `Region.as_plain` has it.

        Raises:
            TraitError: one is no region, or of no image.
        """
        try:
            return read_regions(value)
        except ParameterError as error:
            raise t.TraitError(str(error)) from None


def read_regions(value: Any) -> PlainRegions:
    """The regions that somebody told, less those that say nothing.

    Raises:
        ParameterError: one is no region, or of no image.
    """
    if not isinstance(value, Mapping):
        raise ParameterError(f"regions={value!r:.100} must be regions by the numbers of their images.")
    regions: dict[str, PlainRegion] = {}
    for name, plain in value.items():
        if not isinstance(name, str) or not (name == OTHERS or (name.isascii() and name.isdecimal())):
            raise ParameterError(f"regions: {name!r:.100} is no number of an image.")
        regions[OTHERS if name == OTHERS else str(int(name))] = Region.from_plain(plain).as_plain()
    common = regions.pop(OTHERS, PLAIN_WINS)
    apart = {name: regions[name] for name in sorted(regions, key=int) if regions[name] != common}
    return apart if common == PLAIN_WINS else {OTHERS: common, **apart}


def plain_regions(regions: Any, images: int) -> PlainRegions:
    """The same of what `explain` takes for so many images.

    Raises:
        ParameterError: it is neither a region nor a list with one of each image.
    """
    if regions is None or isinstance(regions, (str, Region)):
        return read_regions({OTHERS: parse_regions(regions, 1)[0].as_plain()})
    return read_regions({str(i): each.as_plain() for i, each in enumerate(parse_regions(regions, images))})


def regions_of(plain: PlainRegions, images: Sequence[int]) -> list[Region] | None:
    """The regions of images with these numbers, as `explain` takes them; None where all are the default."""
    if not plain:
        return None
    common = plain.get(OTHERS, PLAIN_WINS)
    return [Region.from_plain(plain.get(str(image), common)) for image in images]


def check_regions(plain: PlainRegions, source: ImageSource) -> None:
    """Refuse regions of images that are not there, or that lie outside of their picture.

    Raises:
        ParameterError: there are such.
    """
    for name in plain.keys() - {OTHERS}:
        if int(name) >= len(source):
            raise ParameterError(f"regions: there is no image {name}; there are {len(source)}.")
        region, size = Region.from_plain(plain[name]), source.size(int(name))
        if size is not None and not region.touches(size):
            height, width = size
            raise ParameterError(
                f"regions: nothing {region} is in image {name}, which has {width} × {height} pixels: choose a place "
                "in the picture."
            )
