"""Links of pages that GitHub shows, too: there they lead to files of the repository, here to pages of the site."""

import hashlib
import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Files of the repository that are pages, beside those in docs/.
ROOT_PAGES = {"README.md": "readme.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
NOTEBOOK = re.compile(r"notebooks/(\w+)\.ipynb")
FILE_NAME = re.compile(r"[\w/-]+\.(md|ipynb)")
# Code is left as it is.
LINK = re.compile(
    r"^ *```.*?^ *```|`[^`\n]+`(?!\])|(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s]+)\)", re.S | re.M
)
COMMENT = re.compile(r"^ *```.*?^ *```|`[^`\n]+`|(?P<comment><!--.*?-->\n?)", re.S | re.M)
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.S | re.M)
PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(?P<dark>[^"]+)">\s*'
    r'<img src="(?P<light>[^"]+)" alt="(?P<text>[^"]*)">\s*</picture>'
)


def page_of(path: str) -> str | None:
    """The page, relative to docs/, for a file of the repository; None where it is no page."""
    if notebook := NOTEBOOK.fullmatch(path):
        return f"tutorials/{notebook[1]}.md"
    return ROOT_PAGES.get(path) or (path[len("docs/") :] if path.startswith("docs/") else None)


def title_of(page: str) -> str | None:
    """The heading of a page, relative to docs/; None where it is made elsewhere."""
    path = ROOT / source_of(page)
    heading = re.search(r"^# (.+)$", path.read_text("utf-8"), re.M) if path.exists() else None
    return heading[1] if heading else None


def picture_of(diagram: str, colours: str) -> str:
    """The picture, relative to docs/, of a diagram that GitHub draws itself; `tools.site.diagrams` makes it."""
    return f"diagrams/{hashlib.sha256(diagram.encode()).hexdigest()[:12]}-{colours}.svg"


def source_of(page: str) -> str:
    """The file of the repository that a page, relative to docs/, is made of."""
    return {made: name for name, made in ROOT_PAGES.items()}.get(page, f"docs/{page}")


def adapted(markdown: str, page: str, repository: str | None) -> str:
    """A page's text as the site has it.

    Args:
        markdown: as GitHub shows it.
        page: its path, relative to docs/.
        repository: the repository's address, to which links to other files lead; without one only their text is left.

    Returns:
        The text, with links to pages, without comments, and with pictures and diagrams that follow the site's colours.
    """
    source = source_of(page)

    def replaced(match: re.Match[str]) -> str:
        if match["target"] is None or re.match(r"[a-z]+:|#", match["target"]):
            return match[0]
        path, hash_sign, anchor = match["target"].partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if (target := page_of(path)) is not None:
            relative = posixpath.relpath(target, posixpath.dirname(page) or ".")
            # Readers of the site know titles, not files.
            text = (FILE_NAME.fullmatch(match["text"]) and title_of(target)) or match["text"]
            return f"{match['image']}[{text}]({relative}{hash_sign}{anchor})"
        if not (ROOT / path).exists():
            return match[0]
        return f"[{match['text']}]({repository}/blob/HEAD/{path})" if repository else match["text"]

    def drawn(match: re.Match[str]) -> str:
        start = posixpath.relpath(".", posixpath.dirname(page) or ".")
        shown = (f"![A diagram]({start}/{picture_of(match[1], each)}#only-{each})" for each in ("light", "dark"))
        return "\n".join(shown)

    text = COMMENT.sub(lambda match: "" if match["comment"] else match[0], markdown)
    text = PICTURE.sub(r"![\g<text>](\g<light>#only-light)\n![\g<text>](\g<dark>#only-dark)", text)
    return DIAGRAM.sub(drawn, LINK.sub(replaced, text))
