"""Every error a user can get, as one tree.

KxError
├── ModelError               the model cannot be explained as it is
├── ImageError               some of the images cannot be used; lists all of them
├── UnknownLayerError        no such layer, or one without a map
├── UnknownTargetError       no such class
├── UnknownMethodError       no such method
├── ParameterError           a method or wrapper does not take this parameter or value
├── UnsupportedMethodError   the method asks for something that the model does not have
├── FormatError              a file or folder cannot be read, or not be written in this format
├── MissingPackageError      a package that this needs is not installed; an `ImportError`, too
└── CancelledError           the question was cancelled before it was answered

All but the last two are `ValueError`s: an argument was the cause.
"""

import difflib
import re
from collections.abc import Iterable

# Shorter texts are a part of nearly any name.
SHORTEST_PART = 3
LEAST_LIKENESS = 0.55


class KxError(Exception):
    """Base of all errors raised on purpose."""


class ModelError(KxError, ValueError):
    """The model cannot be explained as it is."""


class ImageError(KxError, ValueError):
    """Some of the images cannot be used."""


class UnknownLayerError(KxError, ValueError):
    """No such layer, or one without a map."""


class UnknownTargetError(KxError, ValueError):
    """No such class."""


class UnknownMethodError(KxError, ValueError):
    """No such method."""


class ParameterError(KxError, ValueError):
    """A method or wrapper does not take this parameter or value."""


class UnsupportedMethodError(KxError, ValueError):
    """The method asks for something that the model does not have."""


class FormatError(KxError, ValueError):
    """A file or folder cannot be read, or not be written in this format."""


class MissingPackageError(KxError, ImportError):
    """A package that this needs is not installed."""


class CancelledError(KxError):
    """The question was cancelled before it was answered."""


def plain(error: BaseException | None) -> str:
    """One line for somebody else's error: its type and its cause, without what Keras and TensorFlow wrap around.

    They put the cause among call arguments, node names and colour codes of a terminal; a raised error quoted
    inside such a text is the cause, else the first paragraph that says something is.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    quoted = re.findall(r"^\s*((?:\w+\.)*\w*(?:Error|Exception): .+)$", text, re.M)
    if quoted:
        return quoted[-1]
    wrapping = ("Exception encountered when calling", "Arguments received by", "Graph execution error")
    said = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(wrapping)]
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def message_of(error: BaseException | None) -> str:
    """What an error says: the text of a `KxError`, one line of somebody else's; see `plain`."""
    return str(error) if isinstance(error, KxError) else plain(error)


def near(wrong: object, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Those among `names` that have `wrong` as a word, else those that hold it or that it may be a misspelling of."""
    lowered = {k.lower(): k for k in reversed(list(names))}
    sought = str(wrong).lower().strip()
    holding = sorted((k for k in lowered if len(sought) >= SHORTEST_PART and sought in k), key=len)
    words = [k for k in holding if re.search(rf"(?<!\w){re.escape(sought)}(?!\w)", k)]
    alike = difflib.get_close_matches(sought, lowered, n=most, cutoff=LEAST_LIKENESS)
    return [lowered[k] for k in dict.fromkeys(words or [*holding, *alike])][:most]


def did_you_mean(wrong: object, names: Iterable[str], *, most: int = 3) -> str:
    """The end of an error message: near matches of `wrong` among `names`, or the first few of them."""
    names = list(names)
    if meant := near(wrong, names, most=most):
        return " Did you mean " + " or ".join(map(repr, meant)) + "?"
    shown = ", ".join(repr(k) for k in names[:8])
    return f" Known: {shown}{', …' if len(names) > 8 else ''}." if names else ""
