"""How often maps pointed at the right object on small nets whose truth is known; docs/models.md has the whole table.

Shares in % are of the two objects in each of 100 to 150 scenes that a net was not trained on; chance would give 13 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NAMES = {
    "attention_gradient": "gradient-weighted attention",
    "gradcam": "Grad-CAM",
    "integrated_gradients": "integrated gradients",
}
PASSES = {"attention_gradient": "one pass", "gradcam": "one pass", "integrated_gradients": "32 passes"}


@dataclass(frozen=True)
class Measured:
    """What was measured on a net of one kind.

    Args:
        net: what it was, in words.
        methods: by method id, the share of peaks in the right object.
        layers: by id of a method that looks at a layer, the share at the recommended layer and at the usual one.
        recommended: the layer that is recommended, in words.
        usual: the layer that others would take, in words.
        first: the id of the method to begin with, which need not have the largest share.
        second: of another one, to compare with.
    """

    net: str
    methods: Mapping[str, int]
    layers: Mapping[str, tuple[int, int]]
    recommended: str
    usual: str
    first: str
    second: str

    def why(self, method: str) -> str:
        """A sentence that says how a method did, and how another one."""
        other = self.second if method == self.first else self.first
        return (
            f"On {self.net}, it peaked in the right object in {self.methods[method]} of 100 cases, with "
            f"{PASSES[method]}; {NAMES[other]}, with {PASSES[other]}, in {self.methods[other]}."
        )

    def cautions(self) -> dict[str, str]:
        """By method id, or "layer" for any other that looks at one, how far maps can be trusted on such a net."""
        cautions = {method: self._caution("This method", *shares) for method, shares in self.layers.items()}
        cautions["layer"] = self._caution("Grad-CAM", *self.layers["gradcam"]) + " This method was not measured."
        if (share := self.methods.get("attention_rollout")) is not None:
            cautions["attention_rollout"] = (
                f"It does not know the class: on {self.net}, it peaked in the right object in {share} of 100 cases."
            )
        return cautions

    def _caution(self, method: str, recommended: int, usual: int) -> str:
        return (
            f"{method} depends on the layer: on {self.net}, it peaked in the right object in {recommended} "
            f"of 100 cases at {self.recommended}, in {usual} at {self.usual}."
        )


CLASS_TOKEN = Measured(
    net="a small transformer with a class token and known truth",
    methods={"attention_gradient": 87, "integrated_gradients": 91, "attention_rollout": 45},
    layers={"gradcam": (86, 18), "gradcampp": (28, 13), "hirescam": (90, 24), "layercam": (90, 24)},
    recommended="what the first attention takes in",
    usual="what the last attention takes in",
    first="attention_gradient",
    second="integrated_gradients",
)
POOLED_TOKENS = Measured(
    net="a small transformer with pooled patches and known truth",
    methods={"attention_gradient": 94, "integrated_gradients": 86, "attention_rollout": 42},
    layers={"gradcam": (79, 10), "gradcampp": (26, 7), "hirescam": (86, 10), "layercam": (88, 7)},
    recommended="what the first attention takes in",
    usual="the last norm",
    first="attention_gradient",
    second="integrated_gradients",
)
WINDOWED = Measured(
    net="a small Swin with known truth",
    methods={"gradcam": 90, "integrated_gradients": 84},
    layers={"gradcam": (90, 13), "gradcampp": (36, 16), "hirescam": (80, 13), "layercam": (80, 16)},
    recommended="what the first attention of the last stage takes in",
    usual="the last norm",
    first="gradcam",
    second="integrated_gradients",
)
WINDOWED_AND_GLOBAL = Measured(
    net="a small ViTDet with known truth",
    methods={"gradcam": 85, "integrated_gradients": 93},
    layers={"gradcam": (85, 18), "gradcampp": (38, 18), "hirescam": (92, 18), "layercam": (92, 18)},
    recommended="what the first attention of all cells takes in",
    usual="the last norm",
    first="gradcam",
    second="integrated_gradients",
)
FEWER_KEYS = Measured(
    net="a small SegFormer encoder with known truth",
    methods={"gradcam": 54, "integrated_gradients": 73},
    layers={"gradcam": (54, 16), "gradcampp": (27, 16), "hirescam": (62, 16), "layercam": (58, 14)},
    recommended="what the first attention of the last stage takes in",
    usual="the last norm",
    first="integrated_gradients",
    second="gradcam",
)
