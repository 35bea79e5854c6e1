"""Run a notebook as a user would, try the three pickers, and keep a picture.

`python -m tests.browser.demo NOTEBOOK PNG`, paths in the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.lab import Lab
from tests.browser.view import View


def main(notebook: Path, picture: str) -> int:
    """0 when maps were drawn for every choice and the page had no complaint."""
    with Lab() as lab:
        opened = lab.open(notebook, size=(1400, 1150))
        opened.command("application:toggle-left-area")
        opened.run_all()
        view = View(opened)
        tour(view)
        view.screenshot(picture)
        problems = opened.console_errors + [f"asked for {url}" for url in opened.foreign_requests]
    for problem in problems:
        print(f"in the page: {problem}", file=sys.stderr)
    print(f"{picture}: {'not what it should be' if problems else 'maps drawn for every choice'}")
    return 1 if problems else 0


def tour(view: View) -> None:
    """Another layer, another class, another method: each must draw another map; then the first question again."""
    view.settle()
    first = {trait: view.trait(trait) for trait in ("layer", "target", "method")}
    for trait in first:
        value, before = view.other(trait), view.pixels()
        view.choose(trait, value)
        view.await_trait(trait, value)
        view.await_other_pixels(before)
        view.settle()
        print(f"{trait} = {value!r}: drawn")
    for trait, value in first.items():
        view.notebook.execute(f"{view.name}.{trait} = {value!r}")
    view.settle()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
