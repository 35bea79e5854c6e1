"""Computes explanations; knows nothing of notebooks or browsers."""
