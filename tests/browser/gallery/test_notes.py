"""A map that says nothing is not drawn as an answer: the tile, its name and the foot of the view say so."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import pixels

FLAT, AGAINST, CAUTION, NONE, GAPS, PLAIN = range(6)


def tile(view: Gallery, image: int, column: int = 0) -> Locator:
    return view.root.locator(f"[data-image='{image}'][data-column='{column}']")


def veil(view: Gallery, image: int) -> bool:
    """Whether anything is drawn over a picture."""
    canvas = tile(view, image).locator("canvas")
    view.field("Opacity").fill("0.6")
    view.page.mouse.move(0, 0)
    covered = pixels(canvas)
    view.field("Opacity").fill("0")
    bare = pixels(canvas)
    return bool((covered != bare).any())


def test_a_map_that_says_nothing_is_left_out_and_says_why(gallery: Open) -> None:
    view = gallery("notes")
    view.await_status("done")
    assert [veil(view, image) for image in range(6)] == [False, False, True, False, True, True]
    for image, said in ((FLAT, "Flat: the map is 0 everywhere"), (AGAINST, "Against: "), (NONE, "No numbers: ")):
        expect(tile(view, image).locator(".silence")).to_contain_text(said)
    for image in (CAUTION, GAPS, PLAIN):
        expect(tile(view, image).locator(".silence")).to_have_count(0)
    marks = view.root.locator(".mark")
    expect(marks).to_have_count(5)
    assert "Try layer" in str(marks.first.get_attribute("title"))


def test_what_speaks_against_is_drawn_where_signs_are(gallery: Open) -> None:
    view = gallery("notes")
    view.await_status("done")
    expect(tile(view, AGAINST).locator(".silence")).to_be_visible()
    view.field("Sign").select_option("signed")
    expect(tile(view, AGAINST).locator(".silence")).to_have_count(0)
    assert veil(view, AGAINST)
    assert not veil(view, FLAT)
    view.field("Sign").select_option("absolute")
    assert veil(view, AGAINST)
    view.field("Sign").select_option("positive")
    expect(tile(view, AGAINST).locator(".silence")).to_be_visible()


def test_screen_readers_hear_the_note_instead_of_a_peak(gallery: Open) -> None:
    view = gallery("notes")
    view.await_status("done")
    names = [str(tile(view, image).locator("canvas").get_attribute("aria-label")) for image in range(6)]
    assert "Try layer 'trunk/stage4/block2/relu' or Integrated blobs." in names[FLAT]
    assert [", peak " in name for name in names] == [False, False, True, False, True, True]
    assert "8 of 100 pictures" in names[CAUTION]


def test_the_foot_tells_the_whole_note_of_the_map_in_focus(gallery: Open) -> None:
    view = gallery("notes", NARROW)
    view.await_status("done")
    remark = view.root.locator(".remark")
    expect(remark).to_contain_text("scene-1.jpg, cat: Flat: the map is 0 everywhere, no evidence for 'cat'. Try layer")
    tile(view, CAUTION).locator("canvas").hover()
    expect(remark).to_contain_text("8 of 100 pictures")
    tile(view, PLAIN).locator("canvas").focus()
    view.page.mouse.move(0, 0)
    tile(view, PLAIN).locator("canvas").hover()
    expect(remark).to_have_text("5 of 6 maps have a note: point at one marked “!”.")


def test_what_holds_for_all_maps_of_a_method_is_said_once(gallery: Open) -> None:
    view = gallery("cautions")
    view.await_status("done")
    caution = view.root.locator(".caution")
    expect(caution).to_contain_text("8 of 100 pictures")
    expect(view.root.locator(".tile .mark, .remark")).to_have_count(0)
    assert "8 of 100" not in str(view.canvases.first.get_attribute("aria-label"))
    view.choose_method("saliency")
    expect(caution).to_have_count(0)
    view.choose_method("blobs2")
    expect(caution).to_contain_text("was not measured")


def test_where_methods_are_compared_the_chosen_column_tells(gallery: Open) -> None:
    view = gallery('cautions&traits={"method":"saliency","compare":"methods"}')
    view.await_status("done")
    caution = view.root.locator(".caution")
    expect(caution).to_have_count(0)
    expect(view.root.locator(".heading").get_by_role("img")).to_have_count(2)
    view.root.locator("[data-column='1'] canvas").first.click()
    expect(caution).to_have_text(
        "!Blob-CAM: On this model Blob-CAM points into the right object in 8 of 100 pictures; at 'stage2' in 23."
    )


def test_a_small_map_that_says_nothing_is_struck_out(gallery: Open) -> None:
    view = gallery("notes&layers=0")
    view.await_status("done")
    view.root.get_by_role("checkbox", name="all 28 layers").check()
    view.root.get_by_role("tree", name="Layers").evaluate("(tree) => { tree.scrollTop = 0; }")
    canvases = view.root.locator(".thumb canvas")
    pixels(canvases.nth(1))
    assert [canvas.evaluate(FILLED) for canvas in canvases.all()[:2]] == [False, True]


FILLED = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((_, i) => i % 4 === 3 && data[i] === 255).length === canvas.width * canvas.height;
}"""


def test_nothing_is_said_of_maps_that_are_not_finished_or_have_nothing_to_be_said_of(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    expect(view.root.locator(".silence, .mark, .remark")).to_have_count(0)
    late = gallery("notes&step=399")
    late.choose_method("slowblobs")
    expect(late.root.locator("[data-partial]").first).to_be_visible()
    expect(late.root.locator("[data-partial] .silence")).to_have_count(0)


def test_the_band_stays_within_its_picture(gallery: Open) -> None:
    view = gallery('notes&traits={"compare":"methods"}', NARROW)
    view.await_status("done")
    for image in (FLAT, AGAINST, NONE):
        band = tile(view, image).locator(".silence p").bounding_box()
        canvas = tile(view, image).locator("canvas").bounding_box()
        assert band is not None
        assert canvas is not None
        assert band["y"] >= canvas["y"]
        assert band["y"] + band["height"] <= canvas["y"] + canvas["height"] + 1
