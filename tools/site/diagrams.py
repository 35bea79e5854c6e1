"""Draws the diagrams that GitHub draws itself: pages of the site show them as pictures, and no reader loads Mermaid.

`python -m tools.site.diagrams` writes docs/diagrams; a picture's name has the digest of what it draws, so that the site
cannot be built with an old one.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import require
from tools import npm_packages
from tools.site.links import DIAGRAM, picture_of

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "diagrams"
MERMAID = (
    "mermaid", "11.6.0",
    "sha512-PE8hGUy1LDlWIHWBP05SFdqUHGmRcCcK4IzpOKPE35eOw+G9zZgcnMpyunJVUEOgb//KBORPjysKndw8bFLuRg==",
)  # fmt: skip
# Of the page's colours, and Mermaid's for each.
THEMES = {"light": "neutral", "dark": "dark"}
DRAW = """async ([text, theme]) => {
    mermaid.initialize({ theme, fontFamily: "sans-serif", startOnLoad: false });
    return (await mermaid.render("diagram", text)).svg;
}"""


def main() -> None:
    """Draw all diagrams of docs anew."""
    FOLDER.mkdir(exist_ok=True)
    for picture in FOLDER.glob("*.svg"):
        picture.unlink()
    script = npm_packages.fetch(*MERMAID) / "dist/mermaid.min.js"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require(), args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(path=script)
        for path in sorted(DOCS.rglob("*.md")):
            for text in DIAGRAM.findall(path.read_text("utf-8")):
                for colours, theme in THEMES.items():
                    (DOCS / picture_of(text, colours)).write_text(
                        page.evaluate(DRAW, [text, theme]) + "\n", encoding="utf-8"
                    )


if __name__ == "__main__":
    main()
