"""Functions that do the same have the same digest, others have others."""

import dataclasses
import functools
import subprocess
import sys
import textwrap
import threading

import keras
import numpy as np
import pytest

from kx_widget.bulk.function_digest import UnknownCodeError, digest_of

# Each is a module, whose `f` is digested; those of a line differ.
DIFFERENT = {
    "constant": ("f = lambda b: b / 2", "f = lambda b: b / 3", "f = lambda b: b * 2"),
    "operation": ("def f(b): return b + 1", "def f(b): return b - 1"),
    "attribute": ("f = lambda b: b.mean()", "f = lambda b: b.sum()"),
    "default": ("def f(b, by=2): return b / by", "def f(b, by=3): return b / by", "def f(b, *, by=2): return b / by"),
    "closure": tuple(f"def made(by):\n  return lambda b: b / by\nf = made({by})" for by in (2, 3, "[2]", "{'a': 2}")),
    "global": ("by = 2\nf = lambda b: b / by", "by = 3\nf = lambda b: b / by"),
    "inner": ("by = 2\ndef f(b): return [x / by for x in b]", "by = 3\ndef f(b): return [x / by for x in b]"),
    "helper": tuple(f"def help(b): return b / {by}\ndef f(b): return help(b)" for by in (2, 3)),
    "array": tuple(f"import numpy as np\nmeans = np.arange({n}.)\nf = lambda b: b - means" for n in (3, 4)),
    "values": tuple(f"import numpy as np\nmeans = np.float32([{n}])\nf = lambda b: b - means" for n in (3, 4)),
    "partial": tuple(
        f"import functools\ndef g(b, by): return b / by\nf = functools.partial(g, by={by})" for by in (2, 3)
    ),
    "instance": tuple(
        f"class Divide:\n  def __init__(self, by): self.by = by\n  def __call__(self, b): return b {op} self.by\n"
        f"f = Divide({by})"
        for by, op in ((2, "/"), (3, "/"), (2, "*"))
    ),
    "bound": tuple(f"class A:\n  by = {by}\n  def g(self, b): return b / self.by\nf = A().g" for by in (2, 3)),
    "base": tuple(
        f"class A:\n  def g(self, b): return b / {by}\nclass B(A):\n  pass\nf = B().g" for by in (2, 3)
    ),
    "cached": tuple(f"import functools\n@functools.cache\ndef f(b): return b / {by}" for by in (2, 3)),
    "property": tuple(
        f"import functools\nclass A:\n  @functools.cached_property\n  def by(self): return {by}\n"
        "  def g(self, b): return b / self.by\nf = A().g"
        for by in (2, 3)
    ),
    "library": tuple(
        f"from keras.applications.{name} import preprocess_input as f" for name in ("resnet", "mobilenet_v2")
    ),
    "layer": tuple(f"import keras\nf = keras.layers.Rescaling(1 / {by})" for by in (2, 3)),
}  # fmt: skip


def function(text):
    space = {"__name__": "__main__"}
    exec(textwrap.dedent(text), space)
    return space["f"]


@pytest.mark.parametrize("name", DIFFERENT)
def test_functions_that_differ_have_other_digests(name):
    digests = [digest_of(function(text)) for text in DIFFERENT[name]]
    assert digests == [digest_of(function(text)) for text in DIFFERENT[name]]
    assert len(set(digests)) == len(digests)


def test_another_process_comes_to_the_same_digest():
    """Whatever the hash seed: sets and dicts have no order."""
    text = (
        "kinds = {'a', 'b', 'c'}\nwords = {'x': 1, 'y': 2}\n"
        "def g(b): return f(b) if b in kinds else words\ndef f(b): return g(b) in {1, 'q', 'r'}"
    )
    code = "from kx_widget.bulk.function_digest import digest_of\nspace = {'__name__': '__main__'}\n"
    code += f"exec({text!r}, space)\n"
    code += "print(digest_of(space['f']))"
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, encoding="utf-8", check=True)
        assert ran.stdout.strip() == digest_of(function(text))


def test_names_lines_and_comments_do_not_count():
    assert digest_of(function("f = lambda b: b / 2")) == digest_of(function("\n\nx = 1\nf = lambda b: b / 2  # half"))


def test_weights_of_a_layer_count():
    layer = keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 1.0, 4.0])
    layer.build((None, 2, 2, 3))
    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    before = digest_of(dense), digest_of(lambda b: dense(b))
    dense.kernel.assign(dense.kernel + 1)
    assert digest_of(dense) != before[0]
    assert digest_of(lambda b: dense(b)) != before[1]
    assert digest_of(layer) == digest_of(layer)


@dataclasses.dataclass(slots=True)
class Slotted:
    by: int


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (threading.Lock(), "it uses a lock"),
        (np.random.default_rng(0), "it uses a Generator"),
        (iter([1]), "it uses a list_iterator"),
        (Slotted(3), "it uses a Slotted"),
    ],
)
def test_what_cannot_be_compared_is_told(state, said):
    for function in (lambda b: (b, state), functools.partial(max, state)):
        with pytest.raises(UnknownCodeError, match=said):
            digest_of(function)


def test_what_holds_itself_ends():
    ring = []
    ring.append(ring)
    with pytest.raises(UnknownCodeError, match="holds itself"):
        digest_of(lambda b: ring)
