"""Explanations of more images than fit in memory: read ahead, explained, stored, on one machine or many."""
