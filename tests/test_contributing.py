"""The worked example of CONTRIBUTING.md works, and its walk through the house names files that are there."""

import re
import textwrap
from pathlib import Path

from numpy.testing import assert_allclose

import kx_widget as kx
from tests import cases, models

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_channels_of_the_example_add_up_to_gradcam():
    method, row = (textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", TEXT, re.S))
    space = {"Method": kx.Method, "Parameter": kx.Parameter}
    exec(textwrap.dedent(method), space)
    assert len(method.splitlines()) <= 25
    entry = eval(row.strip().rstrip(","), space)
    explainer, x = kx.Explainer(models.flattened(), methods=[entry]), cases.photos()
    channels = [explainer.explain(x, [1], method="channelcam", channel=k).maps for k in range(5)]
    assert_allclose(sum(channels), explainer.explain(x, [1]).maps, rtol=1e-4, atol=1e-6)


def test_every_file_of_the_walk_is_there():
    walk = TEXT[TEXT.index("## The house") : TEXT.index("## Add a method")]
    named = re.findall(r"`([\w/]+\.(?:py|tsx?))`", walk)
    files = {path.as_posix() for folder in ("kx_widget", "js/src", "tests") for path in (ROOT / folder).rglob("*.*")}
    assert len(named) > 30
    assert not [name for name in named if not any(path.endswith(f"/{name}") for path in files)]
