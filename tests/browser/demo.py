"""Run a notebook as a user would, try the three pickers, and keep a picture.

`python -m tests.browser.demo NOTEBOOK PNG`
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.lab import Lab
from tests.browser.view import View


def main(notebook: Path, picture: Path) -> int:
    """0 when maps were drawn for every choice and the page had no complaint."""
    with Lab() as lab:
        opened = lab.open(notebook, size=(1280, 1100))
        opened.run_all()
        tour(View(opened))
        picture.parent.mkdir(parents=True, exist_ok=True)
        opened.page.screenshot(path=picture)
        problems = opened.console_errors + [f"asked for {url}" for url in opened.foreign_requests]
    for problem in problems:
        print(f"in the page: {problem}", file=sys.stderr)
    print(f"{picture}: {'not what it should be' if problems else 'maps drawn for every choice'}")
    return 1 if problems else 0


def tour(view: View) -> None:
    """Another layer, another class, another method: each must draw another map; then the first question again."""
    view.await_status("done")
    first = {name: view.trait(name) for name in ("layer", "target", "method")}
    for trait in first:
        value, before = view.other(trait), view.pixels()
        view.choose(trait, value)
        view.await_trait(trait, value)
        view.await_other_pixels(before)
        view.await_status("done")
        print(f"{trait} = {value!r}: drawn")
    view.notebook.execute("; ".join(f"{view.name}.{name} = {value!r}" for name, value in first.items()))
    view.await_status("done")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
