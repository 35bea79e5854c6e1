"""How often maps pointed at the right object on small nets whose truth is known; docs/models.md has the whole table.

Shares are of 300 questions, two objects in each of 150 scenes that a net was not trained on; chance would give 13 %.
"""

from collections.abc import Mapping
from types import MappingProxyType

# On the transformer of `samples.load("vit")`, whose head reads only a class token.
CLASS_TOKEN: Mapping[str, int] = MappingProxyType(
    {"attention_gradient": 87, "integrated_gradients": 91, "attention_rollout": 45}
)
# There, at what the first attention takes in, and at what the last one does.
CLASS_TOKEN_LAYERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"gradcam": (86, 18), "gradcampp": (28, 13), "hirescam": (90, 24), "layercam": (90, 24)}
)


def cautions_of_class_tokens() -> dict[str, str]:
    """By method id, or "layer" for any other that looks at one, how far maps can be trusted behind a class token."""
    read = "The head reads only its class token. On a small transformer whose truth is known, "
    cautions = {
        method: (
            f"{read}this method's peak lay in the right object in {first} of 100 cases at what the first attention "
            f"takes in, in {last} at what the last one takes in."
        )
        for method, (first, last) in CLASS_TOKEN_LAYERS.items()
    }
    best, worst = CLASS_TOKEN_LAYERS["gradcam"]
    cautions["layer"] = (
        f"{read}Grad-CAM's peak lay in the right object in {best} of 100 cases at what the first attention takes in, "
        f"in {worst} at what the last one takes in; this method was not measured."
    )
    cautions["attention_rollout"] = (
        f"It does not know the class. On a small transformer whose truth is known, its peak lay in the right object in "
        f"{CLASS_TOKEN['attention_rollout']} of 100 cases."
    )
    return cautions
