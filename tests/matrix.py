"""What `make matrix` does before the tests: `python tests/matrix.py ROOT FOLDER`, ROOT being the sources' folder.

Puts the tests where the sources are not, so that they find the installed wheel, and explains the samples with it
where TensorFlow is there.
"""

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

BESIDE = ("docs/models.md", "js/src/kernel/protocol.ts", "js/write_protocol.py")
PACKAGES = ("tensorflow", "keras", "numpy", "anywidget", "ipywidgets", "ipykernel", "Pillow")


def main(root: Path, folder: Path) -> None:
    print(f"Python {sys.version.split()[0]},", ", ".join(map(named, PACKAGES)), flush=True)
    for name in ("tests", "tools"):
        shutil.copytree(root / name, folder / name, dirs_exist_ok=True)
    for name in BESIDE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    if find_spec("tensorflow"):
        explain_the_samples(root)


def named(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def explain_the_samples(root: Path) -> None:
    import kx_widget as kx

    assert root / "kx_widget" not in Path(kx.__file__).parents, f"{kx.__file__} is not the wheel."
    model, images, class_names, masks = kx.samples.load()
    explainer, hits = kx.Explainer(model, class_names=class_names), []
    for image, mask in zip(images, masks, strict=True):
        if mask is not None:
            shown = [int(c) for c in mask.any((1, 2)).nonzero()[0]]
            heatmaps = explainer.explain(image, shown).heatmaps(sign="positive", clip=100)[0]
            hits += [bool(mask[c].flat[h.argmax()]) for c, h in zip(shown, heatmaps, strict=True)]
    print(f"Grad-CAM's peak lies on {sum(hits)} of the samples' {len(hits)} objects.", flush=True)
    assert sum(hits) > 0.9 * len(hits)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
