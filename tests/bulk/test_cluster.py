"""On a real Ray cluster: what one process gives, though a worker dies."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.errors import FormatError
from tests import models
from tests.bulk import ray_job

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_two_workers_one_killed_give_what_one_process_gives(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for i in range(ray_job.IMAGES):
        path = tmp_path / "photos" / ("cats" if i % 2 else "dogs") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (14 + i, 20, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "dogs" / "06.png").write_text("broken")
    seen = tmp_path / "seen"
    seen.mkdir()
    keras.utils.set_random_seed(0)
    models.residual().save(tmp_path / "m.keras")
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KX_SEEN": str(seen),
        "KX_STORE": str(tmp_path / "ray"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    arguments = [str(tmp_path / name) for name in ("m.keras", "photos", "ray")]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bulk.ray_job", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert (seen / "killed").exists()
    # Two workers, and the one that took the dead one's place.
    assert len([*seen.iterdir()]) == 1 + 3

    monkeypatch.setenv("KX_SEEN", str(seen))
    model = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    x = kx.Explainer(model, preprocess=ray_job.preprocess, class_names=["cats", "x", "dogs", "y"])
    one = x.explain_to(**ray_job.question(tmp_path / "photos", tmp_path / "one"))
    two = kx.Store(tmp_path / "ray")
    assert two.complete
    # Each file is known as one of this job, which one process takes as it is.
    (tmp_path / "ray" / "copy.parquet").write_bytes(next((tmp_path / "ray").glob("*.parquet")).read_bytes())
    with pytest.raises(FormatError, match=r"copy.parquet' is no part of this store .the run that filled this one"):
        kx.Store(tmp_path / "ray")
    (tmp_path / "ray" / "copy.parquet").unlink()
    assert len(x.explain_to(**ray_job.question(tmp_path / "photos", tmp_path / "ray"))) == len(two)
    with (tmp_path / "photos" / "cats" / "01.png").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FormatError, match="have been changed since: delete the folder"):
        x.explain_to(**ray_job.question(tmp_path / "photos", tmp_path / "ray"))
    assert two.skipped == one.skipped
    assert len(two.select()) == 2 * (ray_job.IMAGES - 1)
    assert two.rows(two.select()) == one.rows(one.select())
    assert_array_equal(two.maps(two.select()), one.maps(one.select()))
