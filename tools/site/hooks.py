"""What MkDocs calls while it builds the site; `mkdocs.yml` names this file."""

import logging
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from tools import npm_packages
from tools.site import addresses, links, llms, public_names, widget_pages

# MkDocs counts warnings of loggers below its own, and fails.
LOG = logging.getLogger("mkdocs.hooks.kx_widget")
VENDOR = "assets/vendor"
# What Material would load from a CDN: search in pages that are opened as files.
IFRAME_WORKER = (
    "iframe-worker", "1.0.4",
    "sha512-roeaaI+Lg1LJNfgpCjoRe/+WzEjy9+Z08LoEvu85MCPbBjwm+qXz8Ag5U05lHa6V1CysZyGzE0SOkAtSUA5q7Q==",
)  # fmt: skip
# For readers of its sources, and for search in other languages.
SUPERFLUOUS = ("assets/**/*.map", "assets/javascripts/lunr/**/*.js")
# What the pages of widgets in tutorials are made of.
STATE = re.compile(r"tutorials/\w+/\d+\.json")
FRAME = re.compile(r'<iframe class="kx" src="([^"]+)".*?</iframe>')
CLI_MARK = "<!-- the commands -->"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the addresses of the site and of the repository from where the project has them, if it has."""
    published = addresses.published()
    config.site_url = published.get("documentation", config.site_url)
    config.repo_url = published.get("repository", config.repo_url)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are files of the repository's root, those of widgets, and the script that comes from npm."""
    for name, page in links.ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(links.ROOT / name).read_text("utf-8")))
    script = npm_packages.fetch(*IFRAME_WORKER) / "shim/index.js"
    files.append(File.generated(config, f"{VENDOR}/iframe-worker.js", abs_src_path=str(script)))
    for file in list(files):
        if STATE.fullmatch(file.src_uri):
            files.remove(file)
            path, text = file.src_uri.replace(".json", ".html"), widget_pages.page_of_state(file.content_string)
            _add_widget(files, config, path, text)
        elif file.src_uri.endswith(".html") and widget_pages.is_saved(file.content_string):
            files.remove(file)
            _add_widget(files, config, file.src_uri, file.content_string)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Let links of GitHub's lead to pages, and write the reference of the command line."""
    if CLI_MARK in markdown:
        markdown = markdown.replace(CLI_MARK, _commands())
    if FRAME.search(markdown):
        # A widget wants room more than a reader a table of contents.
        page.meta["hide"] = ["toc"]
    markdown = FRAME.sub(r'\g<0>\n<a href="\1" target="_blank">on a page of its own</a>', markdown)
    return links.adapted(markdown, page.file.src_uri, config.repo_url)


def on_nav(nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
    """Add llms.txt, which tells machines what pages there are."""
    files.append(File.generated(config, "llms.txt", content=llms.overview(nav, config)))
    return nav


def on_env(env: Any, *, files: Files, **_: Any) -> Any:
    """Warn of public names that lack a docstring or a place in the reference."""
    contents = (file.page.content or "" for file in files.documentation_pages() if file.page)
    identifiers = {name for content in contents for name in re.findall(r'id="(kx_widget[\w.]*)"', content)}
    for problem in public_names.missing(public_names.load(), identifiers):
        LOG.warning(problem)
    return env


def on_post_build(*, config: MkDocsConfig) -> None:
    """Leave out what no reader of this site loads."""
    for pattern in SUPERFLUOUS:
        for path in Path(config.site_dir).glob(pattern):
            path.unlink()


def _commands() -> str:
    """What `kx` and its commands say with --help, as Markdown."""
    command = [sys.executable, "-m", "typer", "kx_widget.cli.evaluation_commands", "utils", "docs", "--name", "kx"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", cwd=links.ROOT).stdout
    return text.partition("\n")[2]


def _add_widget(files: Files, config: MkDocsConfig, path: str, text: str) -> None:
    """Add a saved page, and its script if no other page has brought it."""
    text, name, script = widget_pages.shared(text, posixpath.relpath(VENDOR, posixpath.dirname(path)))
    files.append(File.generated(config, path, content=text))
    if files.get_file_from_path(f"{VENDOR}/{name}") is None:
        files.append(File.generated(config, f"{VENDOR}/{name}", content=script))
