"""The interface of keras-explainable on this engine, for Keras 3.

    import kx_widget.compat.keras_explainable as ke

    model = ke.inspection.expose(model)
    scores, cams = ke.gradcam(model, x, y, batch_size=32)

Names, arguments and shapes are keras-explainable's: images (N, H, W, channels) that are ready for the model, units
(N, T) or None for all, logits (N, T), maps (N, h, w, T). The numbers are the engine's. What differs from
keras-explainable 0.0.2 is meant; it was wrong there, or impossible:

- `filters.negative` kept the positive part. It keeps the negative one, and `negative_normalize` follows.
- `meta.tta` divided the sum of eight passes by six. It divides by their number.
- `inspection.biases` took 1e-7 for every batch norm's ε. It takes the layer's own.
- `scale=False` or `center=False` in a batch norm crashed. Each absent term is left out.
- Layer norm crashed. What it adds is its β; its mean and deviation depend on the image.
- `full_gradients` read gradients after the activations fused into convolutions. They are read at the bias.
- `full_gradients` took the mean over each layer's channels, which favours narrow layers. Channels are summed.
- `full_gradients` failed for hidden Dense layers. Their terms have no place in the image and are not drawn.
- `full_gradients` gave one map for all units asked for. It gives one for each.
- `expose` raised "graph disconnected" for backbones nested with their own pooling, and gave maps of zeros for those
  nested without when the backbone itself was named. Any layer at any depth can be exposed.
- Every call compiled anew, and `force=False` could run the function of another method. An exposed model keeps what
  was compiled, each method its own; `force=False` does the same for a model that is not exposed.
- A softmax or sigmoid at the end was explained along with the rest. Scores before it are explained and returned.
- `meta.smooth` added noise in absolute units and averaged absolute values. Its noise is a part of each image's range,
  and gradients are averaged with their sign, `gradient_filter` coming last. Its logits and those of `meta.tta` are
  the image's own, not a mean over changed copies.

Also otherwise: `gradcampp` leaves out the positive factor exp(S) of each map, which overflowed; `cam` refuses heads
for which the weights it would take are not those of the pooled channels; `scorecam` scales masks after interpolating
them, as the paper has it; `meta.tta` zooms the content and keeps the size of the model's input; `expose` returns a
thin `keras.Model` that shares the model's layers. Methods can be called inside a `tf.function`, where they run
eagerly, but cannot be compiled by XLA.
"""

from kx_widget.compat.keras_explainable import explaining, filters, inspection, methods, utils
from kx_widget.compat.keras_explainable.explaining import explain, partial_explain

__all__ = [
    "cam",
    "explain",
    "explaining",
    "filters",
    "full_gradients",
    "gradcam",
    "gradcampp",
    "gradients",
    "inspection",
    "methods",
    "partial_explain",
    "scorecam",
    "utils",
]

cam = partial_explain(methods.cams.cam, postprocessing=filters.positive_normalize)
"""CAM, rectified and brought to 0..1; `methods.cams.cam` has the arguments."""
gradcam = partial_explain(methods.cams.gradcam, postprocessing=filters.positive_normalize)
"""Grad-CAM, rectified and brought to 0..1; `methods.cams.gradcam` has the arguments."""
gradcampp = partial_explain(methods.cams.gradcampp, postprocessing=filters.positive_normalize)
"""Grad-CAM++, rectified and brought to 0..1; `methods.cams.gradcampp` has the arguments."""
scorecam = partial_explain(methods.cams.scorecam, postprocessing=filters.positive_normalize, resizing=False)
"""Score-CAM, rectified and brought to 0..1; `methods.cams.scorecam` has the arguments."""
gradients = partial_explain(methods.gradient.gradients, postprocessing=filters.normalize, resizing=False)
"""Gradients of the scores, brought to 0..1; `methods.gradient.gradients` has the arguments."""
full_gradients = partial_explain(methods.gradient.full_gradients, postprocessing=filters.normalize, resizing=False)
"""FullGrad, brought to 0..1; `methods.gradient.full_gradients` has the arguments."""
