"""What a picture of 24 million pixels takes of memory, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
# Three convolutions at full size: what a call takes goes by the budget, and a map has a cell for each pixel.
SCRIPT = """
import json, sys
import keras, numpy as np
from keras import layers
import kx_widget as kx
from tests.benchmarks.child import memory_mib

image = x = keras.Input((None, None, 3))
for filters in (16, 32, 32):
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
model = keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
model(np.zeros((1, 64, 64, 3), "float32"))
before = memory_mib("VmRSS")
explainer = kx.Explainer(model, tile=(512, 512, 64), memory_mib=1024)
e = explainer.explain(sys.argv[1], 1, method="gradients")
growth = memory_mib("VmHWM") - before
print(json.dumps({"growth": growth, "shape": e.maps.shape, "finite": bool(np.isfinite(e.maps).all())}))
"""


@pytest.mark.slow
def test_a_picture_of_24_megapixels_keeps_to_the_budget(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (400, 600, 3), np.uint8)).resize((6000, 4000)).save(tmp_path / "large.jpg")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "large.jpg")]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, check=True)
    told = json.loads(ran.stdout.strip().splitlines()[-1])
    assert told["shape"] == [1, 1, 4000, 6000]
    assert told["finite"]
    assert told["growth"] <= 1.5 * 1024
