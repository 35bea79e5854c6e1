"""`make bench`: all sections, or those named, each in a process of its own; docs/benchmarks.md tells the results.

python -m tests.benchmarks [page|browser|hosts|engine|costs|transformers|peers|evidence|training|growth|memory|bulk|
    frozen|gpu …]
"""

import importlib
import os
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

SECTIONS = {
    "page": "Package and widget",
    "browser": "In the browser",
    "hosts": "Start in each host",
    "engine": "Engine",
    "costs": "Costs said beforehand",
    "transformers": "Transformers",
    "peers": "Beside other libraries",
    "evidence": "How far maps can be believed",
    "training": "While a model trains",
    "growth": "Growth",
    "memory": "Memory",
    "bulk": "Data sets",
    "frozen": "Frozen weights",
    "gpu": "On a GPU",
}
PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"
INTRO = """# Benchmarks

`make bench` writes this page; `python -m tests.benchmarks engine` only one section of it (the others: page, browser,
hosts, costs, transformers, peers, evidence, training, growth, memory, bulk, frozen, gpu). Work is measured in F, one
compiled forward pass of the same batch in the same run, right before and after it, so that figures of different
machines can be compared: medians, and the range of the rounds in brackets. *asked* is the aim; where it is missed, the
number says so.
"""


def run(name: str) -> None:
    section = importlib.import_module(f"tests.benchmarks.{name}")
    load = os.getloadavg()[0]
    lines = [cells(section.HEAD), cells(["---"] * len(section.HEAD))]
    for row in section.rows():
        print("  ".join(filter(None, row)), flush=True)
        lines.append(cells(row))
    versions = ", ".join(f"{package} {version(package)}" for package in ("tensorflow", "keras", "numpy"))
    where = (
        f"{date.today()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {versions}; "
        f"load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end."
    )
    write(SECTIONS[name], "\n\n".join(filter(None, (getattr(section, "NOTE", ""), "\n".join(lines), where))))


def cells(row: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def write(title: str, text: str) -> None:
    """Put `text` in the place of the section of this title, in the order of `SECTIONS`."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    held = dict(re.findall(r"^## (.+?)\n\n(.*?)\n*(?=^## |\Z)", old, re.MULTILINE | re.DOTALL))
    held[title] = text
    parts = [INTRO, *(f"## {t}\n\n{held[t]}\n" for t in SECTIONS.values() if t in held)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def main(names: list[str]) -> None:
    for name in names or SECTIONS:
        if name not in SECTIONS:
            sys.exit(f"There is no section {name!r}. Choose from {', '.join(SECTIONS)}.")
    if len(names) == 1:
        run(names[0])
        return
    for name in names or SECTIONS:
        print(f"\n{name}", flush=True)
        subprocess.run([sys.executable, "-m", "tests.benchmarks", name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
