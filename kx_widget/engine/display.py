"""How maps want to be drawn; `js/src/math/postprocess.ts` draws as they do."""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from kx_widget.engine.errors import ParameterError

Sign = Literal["positive", "absolute", "signed"]
ChosenSign = Literal["auto", "positive", "absolute", "signed"]
Origin = Literal["zero", "quartile"]
SIGNS: tuple[str, ...] = get_args(ChosenSign)
LEAST_CLIP = 50


@dataclass(frozen=True)
class Display:
    """How a method's maps want to be drawn; an origin or sign of None goes by the maps.

    Args:
        clip: where the colours end, as a percentile of the map's values, 50 to 100: a few outliers, as maps of pixels
            and of attention have them, would take the whole scale. Of a hundred cells or less, 99 clips none.
        origin: where the colours begin: at `"zero"`, or at the lower `"quartile"`, below which a quarter of the values
            lie, so that a map that is high everywhere is no sheet of one colour. None is `"zero"` where both signs are
            drawn, else the quartile, which of a map's positive part is often zero, too.
        sign: which part of a map is drawn: `"positive"`, `"absolute"` or `"signed"`, as contrasts always are. None is
            `"signed"` for maps of pixels, `"positive"` for others.
        borders: whether lines are drawn between areas of one value, such as superpixels.

    Raises:
        ParameterError: no such percentile, origin or sign.
    """

    clip: float = 99
    origin: Origin | None = None
    sign: Sign | None = None
    borders: bool = False

    def __post_init__(self) -> None:
        check_clip(self.clip)
        for name, choices in (("origin", get_args(Origin)), ("sign", get_args(Sign))):
            if (value := getattr(self, name)) is not None:
                check_choice(name, value, choices)

    def resolved(self, *, sees_input: bool, signed: bool, contrast: bool) -> "Display":
        """The same with nothing left open.

        Args:
            sees_input: whether the maps are of pixels, else of a layer.
            signed: whether they have a meaningful sign; those that have none are drawn as they are.
            contrast: whether they explain the difference of two classes.
        """
        sign = self.sign or ("signed" if sees_input else "positive")
        sign = "signed" if contrast or not signed else sign
        origin = self.origin or ("zero" if signed and sign == "signed" else "quartile")
        return replace(self, origin=origin, sign=sign)

    def chosen(self, sign: ChosenSign, clip: float | None) -> "Display":
        """The same with a user's own choices; colours of a sign that is named begin at zero.

        Raises:
            ParameterError: no such sign, or no percentile.
        """
        check_choice("sign", sign, SIGNS)
        display = self if sign == "auto" else replace(self, origin="zero", sign=sign)
        return display if clip is None else replace(display, clip=clip)


def check_clip(clip: Any) -> None:
    """Refuse what is no percentile from 50 to 100.

    Raises:
        ParameterError: it is.
    """
    is_number = isinstance(clip, (int, float)) and not isinstance(clip, bool)
    if not (is_number and LEAST_CLIP <= clip <= 100):
        raise ParameterError(
            f"clip={clip!r} must be a percentile from {LEAST_CLIP} to 100; where none is given, it is the method's own."
        )


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse what is none of the choices.

    Raises:
        ParameterError: it is.
    """
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(f"{name}={value!r} is not a choice. Choose one of {', '.join(map(repr, choices))}.")
