"""The user's code around a widget: what it calls the arguments, and when one of its cells has ended."""

import ast
import inspect
import linecache
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

# A literal that is an absolute path.
ABSOLUTE = re.compile(r"""['"](?:/|~|[A-Za-z]:[\\/])""")
PACKAGE = __name__.partition(".")[0]
# What an expression may be made of that can be evaluated again: it costs nothing, and changes nothing.
PLAIN = (
    ast.Attribute, ast.Constant, ast.Dict, ast.List, ast.Name, ast.Slice, ast.Subscript, ast.Tuple, ast.UnaryOp,
    ast.operator, ast.unaryop, ast.expr_context,
)  # fmt: skip
# Arguments whose expressions may cost a lot, or give another value: a model is built anew, images are drawn.
COSTLY = ("model", "images", "store")


def written_arguments(values: Mapping[str, Any]) -> dict[str, str]:
    """How each of these values, arguments of the call that is going on, can be written where that was written.

    Args:
        values: by the argument's name, those that may be given by position first, in their order.

    Returns:
        By the same names, a variable that holds the value, or else the expression in the call, if it is a plain one, or
        a call that is not of the model or the images; nothing for the others.
    """
    frame = _caller()
    if frame is None:
        return {}
    expressions = _expressions(frame, list(values))
    texts = {name: expressions.get(name) or variable_of(value, frame) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}


def variable_of(value: Any, frame: FrameType | None = None) -> str | None:
    """A variable of the code outside this package, or of the frame, that holds this very object."""
    frame = frame or _caller()
    if frame is None or value is None or isinstance(value, (int, float)):
        return None
    for names in (frame.f_globals, {} if _is_function(frame) else frame.f_locals):
        for name, held in list(names.items()):
            if held is value and not name.startswith("_"):
                return name
    return None


def shared_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments of a widget for whoever is not to know where files lie: those that tell it go by their names."""

    def name_of(number: int, text: str) -> str:
        keyword, equals, _ = text.partition("=")
        return f"{keyword}={keyword}" if equals else ("model", "images")[number]

    return [name_of(n, text) if ABSOLUTE.search(text) else text for n, text in enumerate(arguments)]


def _is_function(frame: FrameType) -> bool:
    """Whether its variables are gone when it has returned; to read them would keep what they hold alive till then."""
    return bool(frame.f_code.co_flags & inspect.CO_NEWLOCALS)


def _caller() -> FrameType | None:
    """The innermost frame of code outside this package."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PACKAGE:
        frame = frame.f_back
    return frame


def _expressions(frame: FrameType, places: list[str]) -> dict[str, str]:
    """The plain expressions among the arguments of the call that a cell or module is at, by the arguments' names."""
    if _is_function(frame):
        return {}
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    texts: dict[str, str] = {}
    for call in _calls(frame, source):
        named = [*zip(places, call.args, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
        for name, node in named:
            if name is None or isinstance(node, ast.Starred):
                break
            allowed = PLAIN if name in COSTLY else (*PLAIN, ast.Call, ast.keyword)
            if all(isinstance(part, allowed) for part in ast.walk(node)):
                texts[name] = ast.unparse(node)
    return texts


def _calls(frame: FrameType, source: str) -> Iterator[ast.Call]:
    """The call that the frame is at; none where Python is older than 3.11 and cannot tell."""
    if not hasattr(frame.f_code, "co_positions") or not source:
        return
    place = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and place == (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset):
            yield node


def after_each_cell(method: Callable[[], None]) -> Callable[[], None]:
    """Call a bound method after each cell of a notebook, as long as its object lives.

    Returns:
        What ends it.
    """
    from IPython import get_ipython

    shell: Any = get_ipython()
    reference = weakref.WeakMethod(method)

    def leave() -> None:
        with suppress(AttributeError, ValueError):  # No notebook, or done already.
            shell.events.unregister("post_run_cell", call)

    def call(*_: Any) -> None:
        if (bound := reference()) is None:
            leave()
        else:
            bound()

    if shell is not None:
        shell.events.register("post_run_cell", call)
    return leave
