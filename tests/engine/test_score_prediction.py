"""Predicted scores: those of masks like the tried ones are like theirs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.score_prediction import predict_missing

HALVES = np.array([[[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1, 1], [0, 0]], [[0, 0], [1, 1]]], np.float32)
ORDER = np.arange(4)


def test_a_mask_like_a_tried_one_has_its_score_and_one_like_none_the_lowest():
    masks = np.concatenate([HALVES[:2], HALVES[:1] * 0.99, 100 * HALVES[3:]])
    scores = np.array([3, 1, np.nan, np.nan], np.float32)
    predicted = predict_missing(masks, scores, np.isnan(scores), ORDER)
    assert_array_equal(predicted[:2], [3, 1])
    assert predicted[2] == pytest.approx(3, abs=0.05)
    assert predicted[3] == pytest.approx(1)


def test_the_prediction_is_the_mean_of_a_gaussian_process():
    """By hand for one tried mask of two: k = exp(−d² / 2ℓ²), the mean 0 + k (s − low) / (k₀ + σ²)."""
    scores = np.array([3, 1, np.nan, np.nan], np.float32)
    predicted = predict_missing(HALVES, scores, np.isnan(scores), ORDER)
    apart, half = np.exp(-1 / (2 * 0.36)), np.exp(-0.5 / (2 * 0.36))
    kernel = np.array([[1, apart], [apart, 1]]) + 0.01 * np.eye(2)
    expected = 1 + np.array([half, half]) @ np.linalg.inv(kernel) @ [2, 0]
    assert_allclose(predicted[2:], expected, rtol=1e-5)


def test_what_is_not_missing_stays_and_without_any_score_nothing_is_predicted():
    scores = np.array([3, np.nan, np.nan, 1], np.float32)
    missing = np.array([False, False, True, False])
    predicted = predict_missing(HALVES, scores, missing, ORDER)
    assert_array_equal(np.isnan(predicted), [False, True, False, False])
    nothing = np.full(4, np.nan, np.float32)
    assert np.isnan(predict_missing(HALVES, nothing, np.ones(4, bool), ORDER)).all()
