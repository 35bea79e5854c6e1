"""Build hook: bundles the TypeScript front end before hatchling packs the wheel or sdist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = "kx_widget/widget/static/widget.js"
SOURCES = ("package.json", "package-lock.json", "js/build.mjs", "js/tsconfig.json", "js/src/**/*")
NODE_MAJOR = 20


class BundleHook(BuildHookInterface[Any]):
    """Runs the npm build when the bundle is absent or older than its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the bundle is there and fresh before any file is collected."""
        root = Path(self.root)
        if is_fresh(root):
            return
        if problem := node_problem():
            self.app.abort(problem)
        npm = str(shutil.which("npm"))
        for command in ([npm, "ci", "--no-audit", "--no-fund"], [npm, "run", "build"]):
            if subprocess.run(command, cwd=root).returncode:
                self.app.abort(f"`{' '.join(['npm', *command[1:]])}` failed in {root}; its messages are above.")
        if not (root / BUNDLE).is_file():
            self.app.abort(f"`npm run build` ended well but did not write {BUNDLE}.")


def is_fresh(root: Path) -> bool:
    """Whether the bundle is there and no source is newer."""
    bundle = root / BUNDLE
    if not bundle.is_file():
        return False
    # An unpacked sdist carries its bundle, and unpacking may have scattered the times.
    if (root / "PKG-INFO").is_file():
        return True
    sources = (f for pattern in SOURCES for f in root.glob(pattern) if f.is_file())
    return all(f.stat().st_mtime <= bundle.stat().st_mtime for f in sources)


def node_problem() -> str | None:
    """One sentence on what to install, or None when Node.js and npm will do."""
    cure = f"Building kx-widget from source needs Node.js {NODE_MAJOR} or newer with npm"
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"{cure}: install it and build again, or install a kx-widget wheel."
    found = subprocess.run([node, "--version"], capture_output=True, encoding="utf-8").stdout.strip()
    major = re.match(r"v(\d+)\.", found)
    if major is None or int(major[1]) < NODE_MAJOR:
        return f"{cure}, and this is {found or 'not a working node'} ({node}): update it and build again."
    return None
