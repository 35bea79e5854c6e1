"""Which layers a list of layers can leave out: those whose map another layer shows as well."""

from collections.abc import Callable, Mapping
from typing import Any

from kx_widget.engine.graph.trace import Call, Graph

RECTIFIED = {"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus"}
MARGINS = ("ZeroPadding", "Cropping")
PREPARATION = {"Rescaling", "Normalization", "Resizing", "CenterCrop"}


def is_rectified(call: Call) -> bool:
    """Whether a layer ends in an activation other than a softmax."""
    activation = getattr(call.layer, "activation", None)
    if activation is not None and getattr(activation, "__name__", "linear") not in ("linear", "softmax"):
        return True
    op = call.tensor.op
    # Channels may have been put last after it.
    return (op.inputs[0].op if op.type == "Transpose" else op).type in RECTIFIED


def asides(graph: Graph) -> dict[str, str]:
    """Why each layer that has its map from another one can be left out of a list, by path."""
    first: dict[str, Call] = {}
    for call in graph.calls:
        first.setdefault(call.tensor.name, call)
    before = {name: _calls_before(graph, call, first) for name, call in first.items()}
    after: dict[str, list[Call]] = {name: [] for name in first}
    for name, calls in before.items():
        for call in calls:
            after[call.tensor.name].append(first[name])
    reasons = {call.path: _reason(call, first, before, after) for call in graph.calls}
    return {path: reason for path, reason in reasons.items() if reason}


def _reason(
    call: Call, first: Mapping[str, Call], before: Mapping[str, list[Call]], after: Mapping[str, list[Call]]
) -> str:
    name, kind = call.tensor.name, type(call.layer).__name__
    if first[name] is not call:
        return f"the same as {first[name].path}"
    if kind in PREPARATION:
        return "the picture as the model takes it"
    source = before[name][0].path if len(before[name]) == 1 else "what comes before"
    if kind.startswith(MARGINS):
        return f"{source} with another margin"
    activation = _activation_after(call, lambda one: after[one.tensor.name])
    if activation and not is_rectified(call):
        return f"comes before its activation, {activation.path}"
    return f"{source}, rescaled channel by channel" if kind == "BatchNormalization" else ""


def _activation_after(call: Call, after: Callable[[Call], list[Call]]) -> Call | None:
    """The activation that alone takes a layer's output, at once or after a batch norm."""
    users = after(call)
    if len(users) == 1 and type(users[0].layer).__name__ == "BatchNormalization":
        users = after(users[0])
    (user,) = users if len(users) == 1 else (None,)
    return user if user is not None and is_rectified(user) and not getattr(user.layer, "weights", None) else None


def _calls_before(graph: Graph, call: Call, first: Mapping[str, Call]) -> list[Call]:
    """The calls whose outputs a call takes in, however many ops lie between."""
    calls: dict[str, Call] = {}
    visited: set[str] = set()
    stack: list[Any] = list(call.tensor.op.inputs)
    while stack:
        t = stack.pop()
        if t.name in first:
            calls[t.name] = first[t.name]
        elif t.name not in visited and graph.varies(t):
            visited.add(t.name)
            stack.extend(t.op.inputs)
    return list(calls.values())
