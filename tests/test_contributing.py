"""The worked example of CONTRIBUTING.md works."""

import re
import textwrap
from pathlib import Path

from numpy.testing import assert_allclose

import kx_widget as kx
from tests import cases, models

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_channels_of_the_example_add_up_to_gradcam():
    method, row = (textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", TEXT, re.S))
    space = {"Method": kx.Method, "Parameter": kx.Parameter}
    exec(textwrap.dedent(method), space)
    assert len(method.splitlines()) <= 25
    entry = eval(row.strip().rstrip(","), space)
    explainer, x = kx.Explainer(models.flattened(), methods=[entry]), cases.photos()
    channels = [explainer.explain(x, [1], method="channelcam", channel=k).maps for k in range(5)]
    assert_allclose(sum(channels), explainer.explain(x, [1]).maps, rtol=1e-4, atol=1e-6)
