"""Other libraries for TensorFlow beside ours, on the same nets and images, in one process."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

import kx_widget as kx
from tests.benchmarks.clock import Forward, Work
from tests.benchmarks.pictures import batches, net

HEAD = ("net and method, 8 images of 224×224", "kx_widget", "tf-keras-vis", "xplique")
CHANNELS, REPETITIONS, CLASS = 64, 4, 1
NOTE = (
    "In F, one compiled forward of the same 8 images; libraries take turns with each other and with F. All explain the "
    "scores, at the same layer; each is asked the way its documentation shows, after one run that warms up, ours with "
    "images new each time from uint8, the others with batches made ready. Score-CAM: one image, "
    f"{CHANNELS} channels of most energy or spread, whose {CHANNELS} forwards are {CHANNELS / 8:.0f} F at best. "
    f"SmoothGrad: {REPETITIONS} repetitions. Empty: the library does not have it. "
    "keras-explainable needs TensorFlow 2.12 or older and cannot be asked beside Keras 3. xplique is installed without "
    "its own requirements, which ask for TensorFlow 2.20 at most with CUDA's packages."
)
METHODS = ("gradcam", "gradcampp", "xgradcam", "scorecam", "gradients", "smooth(gradients)")


def rows() -> Iterator[tuple[str, ...]]:
    keras.config.disable_interactive_logging()
    for name in ("ResNet50", "MobileNetV2", "EfficientNetB0"):
        yield from contest(name)


def contest(name: str) -> Iterator[tuple[str, ...]]:
    model = net(name)
    explainer = kx.Explainer(model)
    x = explainer.load(next(batches(8))).batch
    layer = str(explainer.inspection.recommended)
    forward = Forward(model, x)
    told: dict[tuple[str, str], str] = {}
    works: dict[tuple[str, str], Work] = {}
    for library, make in (("kx_widget", lambda *_: ours(explainer)), ("tf-keras-vis", vis), ("xplique", xplique)):
        try:
            offered = make(model, x, layer)
        except Exception as error:
            told |= {(library, method): reason(error) for method in METHODS}
            continue
        for method, work in offered.items():
            try:
                work()
                works[library, method] = work
            except Exception as error:
                told[library, method] = reason(error)
    told |= {key: str(ratio) for key, ratio in forward.race(works, rounds=3, limit=4).items()}
    yield f"**{name}**, F = {forward.median:.3f} s", "", "", ""
    for method in METHODS:
        yield method, *(told.get((library, method), "") for library in HEAD[1:])


def reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def ours(explainer: kx.Explainer) -> dict[str, Work]:
    eight, one = batches(8), batches(1)

    def ask(method: str, **question: Any) -> Work:
        return lambda: explainer.explain(next(eight), [CLASS], method=method, **question)

    return {
        **{method: ask(method) for method in ("gradcam", "gradcampp", "xgradcam", "gradients")},
        "scorecam": lambda: explainer.explain(next(one), [CLASS], method="scorecam", channels=CHANNELS),
        "smooth(gradients)": ask("gradients", smooth={"repetitions": REPETITIONS}),
    }


def vis(model: Any, x: Any, layer: str) -> dict[str, Work]:
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    def cam(make: Callable[[Any], Any], images: Any = x, **more: Any) -> Work:
        asked = make(model)
        score = CategoricalScore([CLASS] * len(images))
        return lambda: asked(score, images, penultimate_layer=layer, seek_penultimate_conv_layer=False, **more)

    score, saliency = CategoricalScore([CLASS] * len(x)), Saliency(model)
    return {
        "gradcam": cam(Gradcam),
        "gradcampp": cam(GradcamPlusPlus),
        "scorecam": cam(Scorecam, x[:1], max_N=CHANNELS),
        "gradients": lambda: saliency(score, x),
        "smooth(gradients)": lambda: saliency(score, x, smooth_samples=REPETITIONS),
    }


def xplique(model: Any, x: Any, layer: str) -> dict[str, Work]:
    from xplique.attributions import GradCAM, GradCAMPP, Saliency, SmoothGrad

    classes = np.eye(1000, dtype=np.float32)[[CLASS] * len(x)]

    def ask(explainer: Any) -> Work:
        return lambda: explainer(x, classes)

    return {
        "gradcam": ask(GradCAM(model, conv_layer=layer)),
        "gradcampp": ask(GradCAMPP(model, conv_layer=layer)),
        "gradients": ask(Saliency(model)),
        "smooth(gradients)": ask(SmoothGrad(model, nb_samples=REPETITIONS)),
    }
