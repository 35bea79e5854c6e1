"""llms.txt, the list of pages that programs read; see llmstxt.org."""

import re
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure import StructureItem
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

# What comes before the first paragraph: headings, pictures, comments, HTML, lists, tables, code.
NO_PARAGRAPH = re.compile(r"^(#|!|<|\||[-*] |`{3}|:::|\s*$)")


def overview(nav: Navigation, config: MkDocsConfig) -> str:
    """The pages by section, each with its first sentence."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}"]
    for item in nav.items:
        if item.is_section:
            lines += ["", f"## {item.title}", ""]
        elif len(lines) == 3:
            lines += ["", "## Start", ""]
        lines += (_line(page, config) for page in _pages(item))
    return "\n".join([*lines, ""])


def _pages(item: StructureItem) -> Iterator[Page]:
    if isinstance(item, Page):
        yield item
    for child in item.children or ():
        yield from _pages(child)


def _line(page: Page, config: MkDocsConfig) -> str:
    text = page.file.content_string
    heading = re.search(r"^# (.+)$", text, re.M)
    title = page.title or (heading[1] if heading else page.file.name)
    sentence = _first_sentence(text)
    return f"- [{title}]({config.site_url or ''}{page.file.url})" + (f": {sentence}" if sentence else "")


def _first_sentence(markdown: str) -> str:
    for paragraph in re.split(r"\n\s*\n", markdown):
        if not NO_PARAGRAPH.match(paragraph):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
            return re.split(r"(?<=[.?!])\s|:$", plain)[0].replace("**", "")
    return ""
