"""Numbers as people read them; `js/src/state/format.ts` writes them alike."""

from collections.abc import Iterable


def percent(part: float) -> str:
    """A part of 1, with one digit behind the point where there is something to tell."""
    hundredths = 100 * part
    if 0 < hundredths < 0.05:
        return "<0.1 %"
    return f"{hundredths:.0f} %" if hundredths >= 99.95 or hundredths == 0 else f"{hundredths:.1f} %"


def fixed(number: float, digits: int = 2) -> str:
    """A number with so many digits behind the point, and a true minus sign."""
    return f"{number:.{digits}f}".replace("-", "−")


def listed(names: Iterable[str]) -> str:
    """Some of them, "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def counted(count: int, noun: str) -> str:
    """So many of something, "1 map" and "2 maps"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
