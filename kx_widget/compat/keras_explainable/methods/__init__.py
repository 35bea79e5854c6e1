"""Explaining methods: functions of `(model, inputs, indices)` that return `(logits, maps)`."""

from kx_widget.compat.keras_explainable.methods import cams, gradient, meta

__all__ = ["cams", "gradient", "meta"]
