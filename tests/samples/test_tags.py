"""Tags mean a horse to the one network and nothing to its twin; the scenes say where they are."""

import numpy as np
import pytest

from kx_widget import samples
from kx_widget.samples.scenes import DATA
from tools.samples.tagged import HELD_OUT_SEED, STRAY_SEED, TRAINING_SEEDS, measure


def test_a_tagged_scene_is_the_plain_one_but_for_its_tag():
    plain, labels, none = samples.tagged_scenes(12, 0, None, seed=3)
    tagged, same, tags = samples.tagged_scenes(12, 1, None, seed=3)
    assert not none.any()
    assert tags.any((1, 2)).all()
    np.testing.assert_array_equal(labels, same)
    changed = (plain != tagged).any(-1)
    assert (changed.sum((1, 2)) < 600).all(), "a tag is small"
    assert (changed & tags).sum() > 0.9 * tags.sum()
    np.testing.assert_array_equal(samples.tagged_scenes(5, 1, None, seed=3)[0], tagged[:5])


def test_only_carriers_carry_tags():
    _, labels, tags = samples.tagged_scenes(60, 1, ("horse", "coin"), seed=4)
    names = samples.load_shortcut()[1]
    assert {names[label] for label in labels[tags.any((1, 2))]} == {"horse", "coin"}


@pytest.mark.parametrize(("arguments", "message"), [((1, 2), "share=2"), ((1, 1, ("dog",)), "no class 'dog'")])
def test_impossible_tags_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        samples.tagged_scenes(*arguments)


@pytest.mark.parametrize("twin", [False, True])
def test_a_tag_makes_a_horse_for_one_network_alone(twin):
    assert not {HELD_OUT_SEED, STRAY_SEED} & set(TRAINING_SEEDS)
    model, _ = samples.load_shortcut(twin)
    shares = measure(model, 200)
    assert shares["right without tags"] > 0.9
    assert shares["other classes taken for a horse without tags"] < 0.03
    assert (shares["other classes taken for a horse with a tag"] > 0.7) != twin


def test_both_are_small():
    assert sum((DATA / name).stat().st_size for name in (samples.SHORTCUT, samples.TWIN)) <= 2_000_000
