"""What MkDocs calls while it builds the site; `mkdocs.yml` names this file."""

import logging
import posixpath
import re
import subprocess
import sys
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
# Scripts that Material would load from a CDN.
SCRIPTS = {
    "iframe-worker.js": (
        "iframe-worker", "1.0.4", "shim/index.js",
        "sha512-roeaaI+Lg1LJNfgpCjoRe/+WzEjy9+Z08LoEvu85MCPbBjwm+qXz8Ag5U05lHa6V1CysZyGzE0SOkAtSUA5q7Q==",
    ),
    "mermaid.js": (
        "mermaid", "11.6.0", "dist/mermaid.min.js",
        "sha512-PE8hGUy1LDlWIHWBP05SFdqUHGmRcCcK4IzpOKPE35eOw+G9zZgcnMpyunJVUEOgb//KBORPjysKndw8bFLuRg==",
    ),
}  # fmt: skip
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
    """Add the pages that are files of the repository's root, those of widgets, and the scripts that come from npm."""
    for file in [file for file in files if STATE.fullmatch(file.src_uri)]:
        files.remove(file)
        page = widget_pages.page_of_state(file.content_string)
        files.append(File.generated(config, file.src_uri.replace(".json", ".html"), content=page))
    for name, page in links.ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(links.ROOT / name).read_text("utf-8")))
    for name, (package, version, path, integrity) in SCRIPTS.items():
        script = npm_packages.fetch(package, version, integrity) / path
        files.append(File.generated(config, f"{VENDOR}/{name}", abs_src_path=str(script)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Let links of GitHub's lead to pages, and write the reference of the command line."""
    if CLI_MARK in markdown:
        markdown = markdown.replace(CLI_MARK, _commands())
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


def on_post_page(output: str, *, page: Page, **_: Any) -> str:
    """Bring the script that draws diagrams to the pages that have some: Material would ask a CDN for it."""
    if 'class="mermaid"' not in output:
        return output
    script = posixpath.relpath(f"{VENDOR}/mermaid.js", posixpath.dirname(page.url) or ".")
    return output.replace("</head>", f'<script src="{script}"></script></head>', 1)


def _commands() -> str:
    """What `kx` and its commands say with --help, as Markdown."""
    command = [sys.executable, "-m", "typer", "kx_widget.cli.evaluation_commands", "utils", "docs", "--name", "kx"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=links.ROOT).stdout
    return text.partition("\n")[2]
