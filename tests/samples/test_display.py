"""Maps of every method, as they are drawn unless somebody chooses, on real photographs."""

import numpy as np
import pytest

import kx_widget as kx

PHOTOGRAPHS = 4
# What a map may cover of a picture: less is the bare photograph, more a sheet of colour.
LEAST, MOST = 0.03, 0.75


def outliers(probe, target):
    """One's own: what differs from pixel to pixel, with a few far off."""
    rng = np.random.default_rng(0)
    yield kx.Partial(rng.standard_t(1.2, probe.x.shape[:3]).astype(np.float32))


def energy(probe, target):
    """One's own: high everywhere."""
    yield kx.Partial(100 + np.square(probe.activations()).sum(-1))


def own(fn, sees):
    about = {"family": "My own", "signed": True, "cost": "1 pass", "summary": "…", "reference": "…"}
    return kx.Method(id=fn.__name__, title=fn.__name__, fn=fn, sees=sees, **about)


OWN = [own(outliers, "input"), own(energy, "layer")]


@pytest.fixture(scope="module")
def explainers():
    loaded = {name: kx.samples.load(name) for name in ("cnn", "vit")}
    return {name: (kx.Explainer(s.model, methods=OWN), s.images[-PHOTOGRAPHS:]) for name, s in loaded.items()}


@pytest.mark.slow
@pytest.mark.parametrize("method", [*kx.METHODS, *(each.id for each in OWN)])
def test_a_map_covers_a_part_of_the_picture(explainers, method):
    sees = kx.METHODS[method].sees if method in kx.METHODS else "input"
    explainer, images = explainers["vit" if sees == "attention" else "cnn"]
    e = explainer.explain(images, method=method)
    covered = np.median((np.abs(e.heatmaps()) > 0.25).mean((2, 3)))
    assert LEAST <= covered <= MOST
    # What is drawn is what is told: nothing lies over the grey picture where the map is zero, and something elsewhere.
    changed = (e.overlay() != e.overlay(alpha=0)).any(-1).mean((2, 3))
    assert np.median(changed) >= covered
