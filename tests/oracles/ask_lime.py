"""What lime says of the case: the coefficients of 8 cells, the pictures that it drew, and the R² of its model."""

from typing import Any

import numpy as np

from tests.oracles.case import SIDE, Case, covered_cells

PICTURES = 60


def answers(case: Case) -> dict[str, Any]:
    from lime.lime_image import LimeImageExplainer

    cells = covered_cells(np.ones((SIDE, SIDE, 1)), np.eye(8))[..., 0].argmax(0)
    found: dict[str, list[Any]] = {"values": [], "shown": [], "r2": []}
    for number, (image, target) in enumerate(zip(case.images, case.targets, strict=True)):
        label, seen = int(target), []

        def scores(images: Any, seen: list[Any] = seen) -> Any:
            seen.extend(images)
            return case.logits(np.stack(images))

        explanation = LimeImageExplainer(random_state=number).explain_instance(
            image.astype(np.float64), scores, (label,), hide_color=0, num_samples=PICTURES, top_labels=None,
            segmentation_fn=lambda _: cells,
        )  # fmt: skip
        shown = [[(picture[cells == cell] != 0).any() for cell in range(8)] for picture in seen]
        values = dict(explanation.local_exp[label])
        found["values"].append([values[cell] for cell in range(8)])
        found["shown"].append(shown)
        found["r2"].append(explanation.score[label] if isinstance(explanation.score, dict) else explanation.score)
    return {name: np.array(values) for name, values in found.items()}
