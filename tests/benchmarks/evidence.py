"""What it costs to measure how far maps can be believed, on ResNet50 and 8 images."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

import kx_widget as kx
from tests.benchmarks.clock import Forward
from tests.benchmarks.pictures import batches, net

HEAD = ("work", "asked", "measured", "xplique")
NOTE = (
    "ResNet50, 8 images of 224×224; compiled before. F is one compiled forward of the 8, so that 19 passes an image "
    "are 19 F. Maps were made before; images are new each time, but where the same ones are asked about once more. "
    "xplique is asked for deletion and insertion, and for μ-fidelity, in batches of 64. Without random maps to compare "
    "with, but where they are named."
)
FORM = ["sparseness", "effective_area", "completeness"]
FAMILY = ("gradcam", "hirescam", "layercam", "xgradcam")
# All methods for such a model but Ablation-CAM; how well a map is made does not matter here.
FEW = {
    "scorecam": {"channels": 4}, "integrated_gradients": {"steps": 2},
    "occlusion": {"patch": 0.9}, "rise": {"masks": 4},
}  # fmt: skip
METHODS = (
    *FAMILY, *FEW,
    "gradients", "full_gradients", "cam", "gradcampp", "eigencam", "gradient_x_input", "guided_gradients",
)  # fmt: skip
CLASSES = 5


def rows() -> Iterator[tuple[str, ...]]:
    yield from work("ResNet50", 8)


def work(name: str, images: int, rounds: int = 3, limit: float = 60) -> Iterator[tuple[str, ...]]:
    model, pictures = net(name), batches(images)
    explainer = kx.Explainer(model)
    forward = Forward(model, explainer.load(next(pictures)).batch)
    methods, classes = count(), count(1)

    def ratio(task: Any) -> str:
        return str(forward.ratio(task, rounds=rounds, limit=limit))

    def anew(metrics: Any, **settings: Any) -> str:
        def measure() -> None:
            explainer.evaluate(made.pop(), metrics, controls=0, **settings)

        made = [explainer.explain(next(pictures), [0]) for _ in range(rounds + 1)]
        return ratio(measure)

    known = next(pictures)
    e = explainer.explain(known, [0])

    def again(metrics: Any, **settings: Any) -> str:
        return ratio(lambda: explainer.evaluate(e, metrics, images=known, **{"controls": 0, **settings}))

    of_classes = explainer.explain(known, [*range(CLASSES)])
    form = ratio(lambda: explainer.evaluate(of_classes, FORM, images=known, controls=0))
    yield f"sparseness, effective area, completeness of {CLASSES} classes", f"≤ {CLASSES} × 0.01 F", form, ""
    yield "random logit, 3 best classes and one drawn", "≤ 0.10 F", again(["random_logit"]), ""
    yield "head cascade", "≤ 0.12 F", again(["randomization"]), ""
    yield "all weights permuted, after the first time", "≤ 1.15 F", again({"randomization": {"order": "bottom_up"}}), ""
    curves = ratio(xplique_curves(model, explainer, known))
    yield "deletion, insertion and SRG, 10 steps", "≤ 20.9 F", anew(["deletion", "insertion", "srg"]), curves
    explainer.evaluate(e, ["srg", "single_deletion", "mu_fidelity"], images=known, controls=0)
    others = [explainer.explain(known, [next(classes)]) for _ in range(rounds + 1)]
    next_map = ratio(lambda: explainer.evaluate(others.pop(), ["srg"], images=known, controls=0))
    yield "the same of another map of the images", "≤ 19.8 F", next_map, curves
    yield "single deletion, 16 cells", "≤ 17.6 F", anew(["single_deletion"]), ""
    yield "μ-fidelity, 64 masks", "≤ 69.1 F", anew(["mu_fidelity"]), ratio(xplique_masks(model, explainer, known))

    table = ratio(lambda: explainer.evaluate(of_classes, ["mu_fidelity"], images=known, controls=0))
    yield f"μ-fidelity of {CLASSES} classes, masks known", f"≤ {CLASSES} × 0.01 F", table, ""

    def another() -> None:
        method = FAMILY[next(methods) % len(FAMILY)]
        explainer.evaluate(explainer.explain(known, [next(classes)], method=method), ["mu_fidelity"], images=known)

    yield "the same of another class and method, its map and random maps included", "", ratio(another), ""
    maps = [explainer.explain(known, [*range(CLASSES)], method=method, **FEW.get(method, {})) for method in METHODS]
    all_of_them = ratio(lambda: [explainer.evaluate(each, ["mu_fidelity"], images=known) for each in maps])
    label = f"the same of {len(METHODS)} methods × {CLASSES} classes, random maps included"
    yield label, "≤ 0.15 × 64 F", all_of_them, ""
    masks = np.random.default_rng(0).random((rounds + 1, 4, 224, 224)) < 0.5
    asked = iter(masks)
    yield "`what_if`, 4 masks", "≤ 4.4 F", ratio(lambda: explainer.what_if(known, next(asked))), ""


def xplique_curves(model: Any, explainer: kx.Explainer, known: Any) -> Any:
    x, targets, maps = prepared(explainer, known)

    def measure() -> None:
        from xplique.metrics import Deletion, Insertion

        for metric in (Deletion, Insertion):
            metric(model, x, targets, steps=10, activation="softmax")(maps)

    return measure


def xplique_masks(model: Any, explainer: kx.Explainer, known: Any) -> Any:
    x, targets, maps = prepared(explainer, known)

    def measure() -> None:
        from xplique.metrics import MuFidelity

        MuFidelity(model, x, targets, nb_samples=64, activation="softmax")(maps)

    return measure


def prepared(explainer: kx.Explainer, known: Any) -> tuple[Any, Any, Any]:
    """Images, one-hot targets and maps in the size of the images, as xplique takes them."""
    e = explainer.explain(known, [0])
    targets = np.zeros((len(known), 1000), np.float32)
    targets[:, 0] = 1
    return explainer.load(known).batch.copy(), targets, e.heatmaps("input", "signed")[:, 0]
