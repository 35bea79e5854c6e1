"""Adds the live pages of the gallery to the site; MkDocs calls it where `hooks` names this file."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from tools.gallery import FOLDER, PAGES


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each of `PAGES`.

    Raises:
        PluginError: one is not made yet.
    """
    for name in PAGES:
        path = FOLDER / f"{name}.html"
        if not path.exists():
            raise PluginError(f"{path} is missing: make the pages of the gallery with python -m tools.gallery.")
        files.append(File.generated(config, f"gallery/{name}.html", abs_src_path=str(path)))
    return files
