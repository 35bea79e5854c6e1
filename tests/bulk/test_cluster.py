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
from tests import models
from tests.bulk import ray_job

ROOT = Path(__file__).parents[2]


def test_two_workers_one_killed_give_what_one_process_gives(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for i in range(ray_job.IMAGES):
        path = tmp_path / "photos" / ("cats" if i % 2 else "dogs") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (14 + i, 20, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "dogs" / "06.png").write_text("broken", encoding="utf-8")
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
        [sys.executable, "-m", "tests.bulk.ray_job", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert (seen / "killed").exists()
    # Two workers, the one that took the dead one's place, and that of the second run, which had one part to do.
    assert len([*seen.iterdir()]) == 1 + 4
    assert f"{ray_job.IMAGES}/{ray_job.IMAGES}" in ran.stderr

    monkeypatch.setenv("KX_SEEN", str(seen))
    model = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    x = kx.Explainer(model, preprocess=ray_job.preprocess, class_names=["cats", "x", "dogs", "y"])
    one = x.explain_to(**ray_job.question(tmp_path / "photos", tmp_path / "one"))
    two = kx.Store(tmp_path / "ray")
    assert two.complete
    assert {path.name: path.read_bytes() for path in (tmp_path / "ray").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()
    }
    assert two.skipped == one.skipped
    assert len(two.select()) == 2 * (ray_job.IMAGES - 1)

    # One process goes on with what a cluster began.
    (tmp_path / "ray" / "_done.json").unlink()
    (tmp_path / "ray" / "part-000001.parquet").unlink()
    with (tmp_path / "photos" / "cats" / "01.png").open("ab") as file:
        file.write(b"more")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "ray").iterdir()}
    assert x.explain_to(**ray_job.question(tmp_path / "photos", tmp_path / "ray")).complete
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "ray").iterdir()}
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {"_done.json", "part-000000.parquet", "part-000001.parquet"}
    assert two.rows(two.select()) == one.rows(one.select())
    assert_array_equal(two.maps(two.select()), one.maps(one.select()))


def test_a_cluster_explains_files_alone(tmp_path):
    from kx_widget.bulk.cluster import explain_on_ray

    models.residual().save(tmp_path / "m.keras")
    with pytest.raises(kx.ImageError, match="A cluster explains files: pass a folder"):
        explain_on_ray(tmp_path / "m.keras", [np.zeros((2, 12, 12, 3))], tmp_path / "s")
    assert not (tmp_path / "s").exists()
