"""Several models that are asked the same, by the names that somebody gave them."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from kx_widget.engine.errors import KxError, ModelError, ParameterError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.figures import counted
from kx_widget.engine.targets import numbered

FEWEST, MOST = 2, 4
LONGEST_NAME = 60
# What models share: each gets an equal part of it.
SHARED = {"memory_mib": 1024.0, "cache_mib": 512.0}


@contextmanager
def naming(name: str) -> Generator[None, None, None]:
    """Put a model's name before what is said against it."""
    try:
        yield
    except KxError as error:
        raise type(error)(f"{name!r}: {error}") from error


def explainers_of(
    models: Mapping[Any, Any], settings: Mapping[str, Any], make: Callable[..., Explainer] = Explainer
) -> dict[str, Explainer]:
    """An explainer of each of several models, which tell the same classes.

    Args:
        models: two to four models, or `Explainer`s of them, by name.
        settings: keywords of `Explainer`; a dict by the models' names gives each its own, and the others what they have
            by default. What `memory_mib` and `cache_mib` allow is shared.
        make: makes an explainer of a model and keywords.

    Raises:
        ParameterError: too few or too many models, or names that are none.
        ModelError: they do not tell the same classes, or one of them cannot be explained.
    """
    names = _names_of(models)
    if settings and all(isinstance(model, Explainer) for model in models.values()):
        raise ParameterError(f"{', '.join(settings)}: give these to the Explainers, which are already made.")
    explainers: dict[str, Explainer] = {}
    for name, model in models.items():
        with naming(name):
            of_model = _settings_of(name, names, settings)
            explainers[name] = model if isinstance(model, Explainer) else make(model, **of_model)
    for name in _nameless(explainers):
        # The others say what its classes are called.
        if not isinstance(models[name], Explainer):
            class_names = next(iter(_class_names(explainers)))
            of_model = {**_settings_of(name, names, settings), "class_names": class_names}
            explainers[name] = make(models[name], **of_model)
    _check_alike(explainers)
    return explainers


def _names_of(models: Mapping[Any, Any]) -> list[str]:
    if not FEWEST <= len(models) <= MOST:
        hint = " Pass a model alone by itself, without a dict." if len(models) == 1 else ""
        count = counted(len(models), "model")
        raise ParameterError(f"The dict holds {count}; {FEWEST} to {MOST} can be compared.{hint}")
    for name in models:
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
            raise ParameterError(
                f"{name!r:.100} is no name of a model: pass a dict of short texts and models, like "
                '{"before": model, "after": tuned}.'
            )
    return list(models)


def _settings_of(name: str, names: list[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of one model's explainer."""
    of_model: dict[str, Any] = {}
    for keyword, value in settings.items():
        if not (isinstance(value, Mapping) and value and set(value) <= set(names)):
            of_model[keyword] = value
        elif name in value:
            of_model[keyword] = value[name]
    for keyword, default in SHARED.items():
        # What is no number is refused by whoever takes it.
        if isinstance(total := of_model.get(keyword, default), (int, float)) and not isinstance(total, bool):
            of_model[keyword] = total / len(names)
    return of_model


def _class_names(explainers: Mapping[str, Explainer]) -> dict[tuple[str, ...], str]:
    """The names of the classes that somebody has named, with the first model that has them."""
    named: dict[tuple[str, ...], str] = {}
    for name, explainer in explainers.items():
        if explainer.class_names != numbered(len(explainer.class_names)):
            named.setdefault(explainer.class_names, name)
    return named


def _nameless(explainers: Mapping[str, Explainer]) -> list[str]:
    """The models whose classes have no names, where all others have the same names, and as many."""
    counts = {len(explainer.class_names) for explainer in explainers.values()}
    named = _class_names(explainers)
    if len(counts) > 1 or len(named) != 1:
        return []
    return [name for name, explainer in explainers.items() if explainer.class_names not in named]


def _check_alike(explainers: Mapping[str, Explainer]) -> None:
    """Refuse models whose answers cannot stand side by side.

    Raises:
        ModelError: and why.
    """
    (first_name, first), *others = explainers.items()
    for name, explainer in explainers.items():
        if explainer.is_detector or explainer.tiling is not None:
            what = "detects boxes" if explainer.is_detector else "looks at tiles"
            raise ModelError(f"{name!r} {what}: such a model is explained alone, KxWidget(model, images).")
    for name, explainer in others:
        (ours, theirs), both = (each.class_names for each in (first, explainer)), f"{first_name!r} and {name!r}"
        if len(ours) != len(theirs):
            raise ModelError(
                f"{both} have {len(ours)} and {len(theirs)} classes: only models of the same classes are compared."
            )
        if ours != theirs:
            raise ModelError(f"{both} have other classes, or in another order: {_first_difference(ours, theirs)}.")
        if first.predicts != explainer.predicts or first.units != explainer.units:
            raise ModelError(
                f"{both} tell different things, a {first.predicts} and a {explainer.predicts} of each class: "
                "name the classes of both with class_names=, or the values with output_names=."
            )
        if first.places is not None and first.places != explainer.places:
            raise ModelError(f"{both} tell classes at {first.places} and {explainer.places} places of a picture.")


def _first_difference(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    place = next(i for i, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    return f"class {place} is {ours[place]!r} in one and {theirs[place]!r} in the other"
