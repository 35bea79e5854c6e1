"""Any number that a model's outputs tell, as something to explain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from kx_widget.engine.errors import ParameterError, UnknownTargetError
from kx_widget.engine.subjects import SubjectKind


@dataclass(frozen=True)
class Target:
    """A number of one's own to explain, in place of a class.

    Args:
        fn: of what the model returns (B, …), a tensor, a list or a dict of several, to one number for each image,
            (B,), written with `keras.ops` or TensorFlow. It is traced once. Methods that need gradients need it to be
            differentiable.
        name: how it reads.
        unit: of its values, "" if they have none.

    Attributes:
        kind: `"own"`, beside the classes, values and detections of a model.

    Raises:
        ParameterError: `fn` is no function, or it has no name.
    """

    kind: ClassVar[SubjectKind] = "own"

    fn: Callable[[Any], Any]
    name: str
    unit: str = ""

    def __post_init__(self) -> None:
        if not callable(self.fn) or not isinstance(self.name, str) or not self.name:  # pyright: ignore
            raise ParameterError(f"Target({self.fn!r}, {self.name!r}) must be of a function and a name.")


def own_targets(targets: Any) -> tuple[Target, ...]:
    """Those of one's own among targets, () where there are none.

    Raises:
        UnknownTargetError: there are others beside them, or two of one name.
    """
    each: list[Any] = list(targets) if isinstance(targets, (list, tuple)) else [targets]
    own = [target for target in each if isinstance(target, Target)]
    if own and len(own) < len(each):
        raise UnknownTargetError("Classes and targets of one's own are not asked about at once: ask twice.")
    if len({target.name for target in own}) < len(own):
        raise UnknownTargetError("Two of the targets have one name: give each its own.")
    return tuple(own)
