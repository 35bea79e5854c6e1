"""docs/methods.md is what the table of methods makes of it; `python -m tools.methods_page` writes it."""

import pytest
from PIL import Image

import kx_widget as kx
from kx_widget.engine.registry import PURPOSES
from tools import methods_page

BYTES = 400_000


def test_the_page_is_that_of_the_table():
    assert methods_page.PAGE.read_text(encoding="utf-8") == methods_page.text(*methods_page.classes())


@pytest.mark.parametrize("name", kx.METHODS)
def test_each_method_has_a_section_with_a_picture_and_says_how_it_fails(name):
    method = kx.METHODS[name]
    page = methods_page.PAGE.read_text(encoding="utf-8")
    assert page.count(f"### {method.title} (`{name}`)\n") == 1
    section = page.partition(f"(`{name}`)\n")[2].partition("\n##")[0]
    for text in (method.good_for, method.fails, method.reference):
        assert len(text) > 3
        assert text in section
    assert method.purpose in PURPOSES
    with Image.open(methods_page.PICTURES / f"{name}.webp") as picture:
        assert picture.height == methods_page.SIDE
        assert picture.width > 2 * methods_page.SIDE
        # More than one colour.
        assert picture.convert("L").getextrema()[0] < 128 < picture.convert("L").getextrema()[1]


def test_pictures_are_small_and_none_is_left_over():
    pictures = list(methods_page.PICTURES.iterdir())
    assert {path.stem for path in pictures} == {*kx.METHODS, "scene"}
    assert sum(path.stat().st_size for path in pictures) <= BYTES
