"""Talks to a browser; computes nothing."""
