"""A model as TensorFlow's graph: traced once, measured, cut at layers, and compiled in parts."""
