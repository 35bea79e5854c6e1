"""What points best: the share of peaks on the right object, in small nets of several kinds trained on the scenes.

python -m tests.benchmarks.pointing [vit vit-mean swin vitdet mit cnn] [--scenes 150]

A net is trained within minutes and kept in build/pointing, as are its figures; docs/models.md tells all of them.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

import kx_widget as kx
from tools.samples import transformer
from tools.samples.train import HELD_OUT_SEED, TRAINING_SEEDS, batches, mirrored, peaks_inside, training_set

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build/pointing"
PAGE = ROOT / "docs/models.md"
# First from the rate of the sample transformer down, then again from half of it.
EPOCHS = 6, 3
CAMS = ("gradcam", "gradcampp", "hirescam", "layercam")
# Settings by the name in the table; the rest as they are by default.
WHOLE: dict[str, dict[str, Any]] = {
    "gradients": {"method": "gradients"},
    "gradient × input": {"method": "gradient_x_input"},
    "integrated gradients": {"method": "integrated_gradients"},
    "smooth(gradients)": {"method": "gradients", "smooth": True},
    "occlusion": {"method": "occlusion"},
    "attention rollout": {"method": "attention_rollout"},
    "gradient-weighted attention": {"method": "attention_gradient"},
    "LeGrad": {"method": "legrad"},
}
HEADING = "## What points at the right object"
INTRO = f"""{HEADING}

`python -m tests.benchmarks.pointing` writes this section. Small nets of several kinds are trained on the composed
scenes of `kx_widget.samples`, on their labels alone, and asked about each object of new scenes that
show two. A cell tells of how many in a hundred the peak of the map, after interpolation to the size of the input,
lies inside the object that was asked about: of the first object in alphabetical order / of the second. By chance it
would be 13, the share of the picture that an object covers. The layer in bold is the one that is recommended. One
net of each kind was trained, from one seed; with 100 scenes, differences of less than 8 may be chance.
"""


def stem(image: Any) -> Any:
    """Two convolutions: 32 × 32 cells of 32 channels."""
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)
    for i, filters in enumerate((16, 32), 1):
        x = layers.Conv2D(filters, 4, 2, padding="same", use_bias=False, name=f"stem{i}_conv")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"stem{i}_bn")(x)
        x = layers.ReLU(name=f"stem{i}_relu")(x)
    return x


def swin(classes: int) -> keras.Model:
    """keras-hub's Swin on a stem of two convolutions: 16 × 16 cells, then 8 × 8, in windows of 4 × 4."""
    from keras_hub.models import SwinTransformerBackbone

    image = keras.Input((128, 128, 3), name="image")
    x = stem(image)
    body = SwinTransformerBackbone(
        image_shape=(32, 32, 32), embed_dim=48, depths=[2, 2], num_heads=[3, 6], window_size=4, patch_size=2,
        mlp_ratio=2.0, drop_path=0.0, name="swin",
    )  # fmt: skip
    x = body(x)
    x = (layers.GlobalAveragePooling1D if len(x.shape) == 3 else layers.GlobalAveragePooling2D)(name="pool")(x)
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="predictions")(x), name="swin")


def vitdet(classes: int) -> keras.Model:
    """The blocks of keras-hub's ViTDet on a stem of two convolutions: 16 × 16 tokens, in windows of 4 × 4 or all."""
    from keras_hub.src.models.vit_det import vit_layers

    image = keras.Input((128, 128, 3), name="image")
    x = vit_layers.ViTDetPatchingAndEmbedding((2, 2), (2, 2), embed_dim=64, name="patches")(stem(image))
    x = vit_layers.AddPositionalEmbedding(32, 2, 64, name="positions")(x)
    for i in range(4):
        x = vit_layers.WindowedTransformerEncoder(
            64, 128, 4, window_size=0 if i % 2 else 4, input_size=(16, 16), use_rel_pos=True, name=f"block{i}"
        )(x)
    x = layers.Conv2D(64, 1, use_bias=False, name="neck1_conv")(x)
    x = layers.LayerNormalization(name="neck1_norm")(x)
    x = layers.Conv2D(64, 3, padding="same", use_bias=False, name="neck2_conv")(x)
    x = layers.LayerNormalization(name="neck2_norm")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="predictions")(x), name="vitdet")


def mit(classes: int) -> keras.Model:
    """keras-hub's encoder of SegFormer: 32 × 32, 16 × 16 and 8 × 8 cells, keys and values of fewer than the queries."""
    from keras_hub.models import MiTBackbone

    image = keras.Input((128, 128, 3), name="image")
    body = MiTBackbone(
        image_shape=(128, 128, 3), layerwise_depths=[1, 1, 2], num_layers=3, layerwise_num_heads=[1, 2, 4],
        layerwise_sr_ratios=[4, 2, 1], max_drop_path_rate=0.0, layerwise_patch_sizes=[7, 3, 3],
        layerwise_strides=[4, 2, 2], hidden_dims=[16, 32, 64], name="mit",
    )  # fmt: skip
    x = layers.GlobalAveragePooling2D(name="pool")(body(layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)))
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="predictions")(x), name="mit")


def fitted(
    build: Callable[[int], keras.Model], images: np.ndarray, labels: np.ndarray, epochs: tuple[int, ...] = EPOCHS
) -> keras.Model:
    def batch(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        (x,) = mirrored(rng, images[chosen])
        return x, labels[chosen].astype(np.float32)

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    model = build(labels.shape[1])
    for round_number, count in enumerate(epochs):
        rate = transformer.LEARNING_RATE / (2 if round_number else 1)
        transformer.fit(model, batches(len(images), batch), count, rate, verbose=2)
    return model


def pooled(classes: int) -> keras.Model:
    return transformer.network(classes, token=False)


class Net(NamedTuple):
    """A kind of net: what it is, the layers to look at, and how to build and train it unless it ships."""

    title: str
    layers: str
    build: Callable[[int], keras.Model] | None = None
    train: Callable[[np.ndarray, np.ndarray], keras.Model] | None = None


OF_VIT = r"stem3_relu|block\d_(norm1|norm2|out)|norm"
NETS = {
    "vit": Net('ViT with a class token, `samples.load("vit")`', OF_VIT),
    "vit-mean": Net(
        "the same ViT without a class token, whose head reads the mean of the patches",
        OF_VIT,
        pooled,
        lambda images, labels: transformer.trained(images, labels, token=False, epochs=(6, 1)),
    ),
    "swin": Net(
        "Swin",
        r"stem2_relu|swin/.*(norm1|norm|stage_\d|blocks_\d)",
        swin,
        lambda images, labels: fitted(swin, images, labels),
    ),
    "vitdet": Net(
        "ViTDet: windows, and every second block looks at all",
        r"stem2_relu|patches|block\d(/layer_normalization.*)?|neck\d_(conv|norm)",
        vitdet,
        lambda images, labels: fitted(vitdet, images, labels),
    ),
    "mit": Net(
        "MiT, SegFormer's encoder",
        r"mit/(patch_and_embed_\d|output_level_\d|hierarchical_encoder[^/]*(/layer_norm[^/]*)?)",
        mit,
        lambda images, labels: fitted(mit, images, labels, (*EPOCHS, 6)),
    ),
    "cnn": Net("residual CNN, `samples.load()`, trained to look at what it names", r".*_out"),
}


def net(name: str) -> keras.Model:
    """The trained net, from build/pointing if it is there."""
    _, _, build, train = NETS[name]
    if build is None or train is None:
        return kx.samples.load(name).model
    weights = KEPT / f"{name}.weights.h5"
    if not weights.exists():
        images, labels, _ = training_set()
        start = time.perf_counter()
        KEPT.mkdir(parents=True, exist_ok=True)
        train(images, labels).save_weights(weights)
        print(f"{name}: trained in {time.perf_counter() - start:.0f} s", flush=True)
    model = build(len(kx.samples.load().class_names))
    model.load_weights(weights)
    return model


def figures(name: str, count: int) -> dict[str, Any]:
    """Exact match, and the shares of peaks inside by layer and method."""
    model = net(name)
    explainer = kx.Explainer(model)
    images, labels, _ = kx.samples.scenes(400, (0, 1, 2, 3), HELD_OUT_SEED)
    exact = ((model.predict(images, verbose=0) > 0.5) == labels).all(1).mean()
    print(f"{name}: {exact:.1%} exact, recommended {explainer.inspection.recommended}", flush=True)
    images, labels, masks = kx.samples.scenes(count, 2, HELD_OUT_SEED + 1)
    targets = np.nonzero(labels)[1].reshape(count, 2)
    masks = masks[np.arange(count)[:, None], targets]

    def inside(answer: kx.Explanation) -> list[float]:
        return peaks_inside(answer.heatmaps(sign="positive", clip=100), masks).mean(0).tolist()

    recommended = explainer.inspection.recommended
    paths = [p for p in explainer.inspection.candidates if p == recommended or re.fullmatch(NETS[name].layers, p)]
    found: dict[str, Any] = {
        "exact": float(exact),
        "scenes": count,
        "recommended": recommended,
        "layers": {},
        "whole": {},
    }
    for method in CAMS:
        for path, answer in explainer.explain_layers(images, targets, layers=paths, method=method).items():
            found["layers"].setdefault(path, {})[method] = inside(answer)
    for title, question in WHOLE.items():
        if question["method"] not in kx.METHODS:
            continue
        start = time.perf_counter()
        try:
            found["whole"][title] = inside(explainer.explain(images, targets, **question))
        except kx.UnsupportedMethodError as error:
            print(f"{name}, {title}: {error}", flush=True)
            continue
        print(f"{name}, {title}: {cell(found['whole'][title])}, {time.perf_counter() - start:.0f} s", flush=True)
    return found


def section(name: str, found: dict[str, Any]) -> Iterator[str]:
    title = NETS[name].title
    yield f"### {title[0].upper()}{title[1:]}\n"
    yield f"All classes right in {found['exact']:.1%} of 400 scenes; {found['scenes']} scenes with two objects.\n"
    yield f"| layer | {' | '.join(kx.METHODS[method].title for method in CAMS)} |"
    yield "|---" * (1 + len(CAMS)) + "|"
    for path, shares in found["layers"].items():
        bold = "**" if path == found["recommended"] else ""
        yield f"| {bold}`{path}`{bold} | {' | '.join(cell(shares[method]) for method in CAMS)} |"
    yield "\n| method that looks at the whole net | peaks inside |\n|---|---|"
    for what, shares in sorted(found["whole"].items(), key=lambda item: -sum(item[1])):
        yield f"| {what} | {cell(shares)} |"
    yield ""


def cell(shares: list[float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", choices=[*NETS, []], help="all, or those named")
    parser.add_argument("--scenes", type=int, default=150, help="with two objects, to look at")
    asked = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in asked.nets or NETS:
        (KEPT / f"{name}.json").write_text(json.dumps(figures(name, asked.scenes), indent=1), encoding="utf-8")
    done = [(name, KEPT / f"{name}.json") for name in NETS]
    lines = [section(name, json.loads(path.read_text(encoding="utf-8"))) for name, path in done if path.exists()]
    before = PAGE.read_text(encoding="utf-8").partition(f"\n\n{HEADING}")[0]
    PAGE.write_text("\n".join([f"{before}\n", INTRO, *chain(*lines)]), encoding="utf-8")


if __name__ == "__main__":
    main()
