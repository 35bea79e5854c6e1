"""The worked example of CONTRIBUTING.md works."""

import re
import textwrap
from pathlib import Path
from types import MappingProxyType

from numpy.testing import assert_allclose

from kx_widget.engine import explainer as explaining
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import Entry
from kx_widget.engine.types import Parameter
from tests import cases, models

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_channels_of_the_example_add_up_to_gradcam(monkeypatch):
    method, row = (textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", TEXT, re.S))
    space = {"Entry": Entry, "Parameter": Parameter}
    exec(textwrap.dedent(method), space)
    assert len(method.splitlines()) <= 25
    entry = eval(row.strip().rstrip(","), space)
    monkeypatch.setattr(explaining, "METHODS", MappingProxyType({**METHODS, entry.id: entry}))
    explainer, x = explaining.Explainer(models.flattened()), cases.photos()
    channels = [explainer.explain(x, [1], method="channelcam", channel=k).maps for k in range(5)]
    assert_allclose(sum(channels), explainer.explain(x, [1]).maps, rtol=1e-4, atol=1e-6)
