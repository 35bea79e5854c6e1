"""What people may use of the package, and whether it is documented; the sources are read, and nothing is imported."""

from collections.abc import Collection, Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
PACKAGES = ("kx_widget", "kx_widget.samples", "kx_widget.compat.keras_explainable")
# What reaches users in other ways than by a name of the package.
ALSO = (
    "kx_widget.bulk.cluster.explain_on_ray",
    "kx_widget.bulk.shortcuts.Shortcuts",
    "kx_widget.bulk.store_evaluation.StoreEvaluation",
    "kx_widget.engine.comparison.Comparison",
    "kx_widget.engine.nearest.NearestImages",
    "kx_widget.engine.scored_picture.ScoredPicture",
    "kx_widget.engine.types.LayerInfo",
)


def load() -> griffe.Module:
    """The package, as its sources have it."""
    package = griffe.load(
        "kx_widget", search_paths=[ROOT], docstring_parser="google", docstring_options={"warnings": False}
    )
    assert isinstance(package, griffe.Module)
    return package


def missing(package: griffe.Module, identifiers: Collection[str]) -> list[str]:
    """What public names lack.

    Args:
        package: what `load` returned.
        identifiers: the names that the reference has a place for.

    Returns:
        A sentence for each that has no docstring or no place in the reference; members of classes count.
    """
    return [problem for name in public(package) for problem in _problems(package, name, identifiers)]


def public(package: griffe.Module) -> Iterator[str]:
    """All public names, with their package."""
    for name in PACKAGES:
        module = package[name[len("kx_widget.") :]] if name != "kx_widget" else package
        assert module.exports, f"{name} has no __all__"
        yield from (f"{name}.{export if isinstance(export, str) else export.name}" for export in module.exports)
    yield from ALSO


def _problems(package: griffe.Module, name: str, identifiers: Collection[str]) -> Iterator[str]:
    described = _final(package[name[len("kx_widget.") :]])
    # A package's own names are asked about one by one.
    if described.is_module:
        return
    if not {name, described.path} & set(identifiers):
        yield f"{name} is not in the reference."
    line = [described, *described.mro()] if isinstance(described, griffe.Class) else [described]
    if not any(ancestor.docstring for ancestor in line):
        yield f"{name} has no docstring."
    listed = {element for ancestor in line for element in _listed(ancestor)}
    members = described.all_members if described.is_class else {}
    for member, alias in members.items():
        if not (member.startswith("_") or member in listed or _final(alias).docstring):
            yield f"{name}.{member} has no docstring, and that of its class does not list it."


def _listed(described: griffe.Object) -> Iterator[str]:
    """The attributes and arguments that a docstring tells of."""
    for section in described.docstring.parsed if described.docstring else ():
        if section.kind in (griffe.DocstringSectionKind.attributes, griffe.DocstringSectionKind.parameters):
            yield from (element.name.lstrip("*") for element in section.value)


def _final(described: griffe.Object | griffe.Alias) -> griffe.Object:
    return described.final_target if isinstance(described, griffe.Alias) else described
