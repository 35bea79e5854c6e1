"""The subcommands of `kx` that measure how far maps can be believed."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kx_widget.cli.commands import (
    SKIPPED,
    AsJson,
    FitMode,
    Model,
    Names,
    Photos,
    Preprocess,
    Quiet,
    app,
    say,
)
from kx_widget.cli.image_options import Rgb, ValueRange, about_images
from kx_widget.cli.models import class_names_of, read_model
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.engine.figures import counted
from kx_widget.engine.ranges import Ranges

FAILED = 4
STOPPED = 130

Metrics = Annotated[
    str | None, typer.Option(help="Ids of metrics, with commas; docs/evidence.md tells what each says.")
]
Sample = Annotated[int, typer.Option(min=0, help="How many images are drawn; 0 for all.")]
Seed = Annotated[int, typer.Option(min=0, help="Draws the sample, and is that of random numbers.")]
Cover = Annotated[Literal["blur", "mean", "black"], typer.Option(help="What covers parts of an image.")]
Steps = Annotated[int, typer.Option(min=2, help="Steps of curves.")]
Controls = Annotated[int, typer.Option(min=0, help="Random maps to compare with; 0 for none.")]
Bounds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE", help="End with code 4 where the mean is lower, for metrics of which more is better."
    ),
]
UpperBounds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE", help="End with code 4 where the mean is higher, for metrics of which less is better."
    ),
]


@app.command(
    epilog="Example: `kx evaluate maps.parquet model.keras --metrics srg,random_logit --fail-below srg=0.1`. A run "
    "that was cut off goes on when the same command is given again. Exit codes: 0 done; 3 done, but pictures were "
    "skipped; 4 a mean beyond --fail-below or --fail-above, or not told at all.",
)
def evaluate(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="What `kx explain` wrote.")],
    model: Model,
    metrics: Metrics = None,
    sample: Sample = 200,
    seed: Seed = 0,
    cover: Cover = "blur",
    steps: Steps = 10,
    controls: Controls = 8,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at once; by default by memory.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder to write, or to go on with.", show_default="beside the store, its name and .evaluation"
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with the images, what was measured of each.")
    ] = None,
    fail_below: Bounds = None,
    fail_above: UpperBounds = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure how far the maps of a store can be believed, on a sample of its images."""
    from kx_widget.bulk.store import Store
    from kx_widget.engine.files import writable

    maps, metric_ids = Store(store), _ids(metrics)
    page = None if html is None else writable(html)
    loaded = read_model(model)
    from kx_widget.bulk.store_evaluation import EvaluationRun
    from kx_widget.engine.evaluation_inputs import EvaluationSettings, columns_of

    explainer = _explainer_of(maps, loaded)
    settings = EvaluationSettings.checked(
        {"cover": cover, "steps": steps, "controls": controls, "batch_size": batch_size, "seed": seed}
    )
    columns = columns_of(metric_ids, explainer.metrics)
    bounds = _bounds(columns, fail_below, "higher") | _bounds(columns, fail_above, "lower")
    run = EvaluationRun(
        explainer=explainer, store=maps, columns=columns, settings=settings, sample=sample or None, path=out
    )
    is_stopped = False
    try:
        evaluation = run.run(progress=not quiet)
    except KeyboardInterrupt:
        is_stopped, evaluation = True, _measured(run)
    _report_evaluation(evaluation, maps, as_json)
    if page is not None:
        _write_page(evaluation, maps, page, explainer)
    if is_stopped:
        typer.echo(
            f"Stopped at {evaluation.images} of {counted(evaluation.wanted, 'image')}: the same command goes on.",
            err=True,
        )
        raise typer.Exit(STOPPED)
    _end(evaluation.means, bounds, bool(evaluation.skipped))


def _explainer_of(store: Any, model: Any) -> Any:
    """The explainer that made a store, of its model.

    Raises:
        ParameterError: its images were preprocessed by a function of somebody's own.
    """
    from kx_widget.bulk.parts import explainer_keywords
    from kx_widget.explainer import Explainer

    job = store.job
    preprocess = job.get("preprocess", "auto")
    if preprocess not in ("auto", None):
        raise ParameterError(
            f"{store.path!r} was made with a preprocess of your own ({preprocess}), which a command cannot have: "
            "evaluate it in Python, with Explainer.evaluate_store."
        )
    explainer = Explainer(model, preprocess=preprocess, **explainer_keywords(job))
    explainer.ranges = Ranges(store.depth)
    return explainer


def _write_page(evaluation: Any, store: Any, page: Path, explainer: Any) -> None:
    from kx_widget.cli.tables import evaluation_remarks, evaluation_table
    from kx_widget.widget.evaluation_page import write_evaluation_page

    table, remarks = evaluation_table(evaluation), evaluation_remarks(evaluation, store)
    shown = write_evaluation_page(evaluation, store, page, table, remarks, explainer)
    typer.echo(f"{shown} of {counted(len(evaluation), 'map')} in {page}.", err=True)


def _measured(run: Any) -> Any:
    """What a run that was stopped has measured."""
    try:
        return run.measured()
    except FormatError:
        typer.echo("Stopped before anything was measured.", err=True)
        raise typer.Exit(STOPPED) from None


def _report_evaluation(evaluation: Any, store: Any, as_json: bool) -> None:
    from kx_widget.cli.tables import evaluation_facts, evaluation_lines

    if as_json:
        say(evaluation_facts(evaluation))
    else:
        for line in evaluation_lines(evaluation, store):
            typer.echo(line)
    _tell_skipped(evaluation.skipped)


def _tell_skipped(skipped: Sequence[tuple[str, str]]) -> None:
    for name, reason in skipped:
        typer.echo(f"skipped {name}: {reason}", err=True)


def _end(
    means: Mapping[str, tuple[float, float, float]], bounds: Mapping[str, tuple[float, bool]], skips: bool
) -> None:
    """End with the code that tells of means beyond their bounds, or of skipped pictures."""
    failures = 0
    for name, (bound, is_least) in bounds.items():
        mean = means[name][0]
        if not (mean >= bound if is_least else mean <= bound):
            failures += 1
            value = "cannot be told" if math.isnan(mean) else f"is {mean:.3f}"
            typer.echo(f"failed: {name} {value}, {bound:g} at {'least' if is_least else 'most'} is asked", err=True)
    if failures or skips:
        raise typer.Exit(FAILED if failures else SKIPPED)


@app.command(
    epilog="Example: `kx compare model.keras photos/ --methods gradcam,layercam,gradient_x_input --sample 100`. What "
    "does not depend on the map is computed once an image for all methods."
)
def compare(
    model: Model,
    photos: Photos,
    methods: Annotated[
        str | None,
        typer.Option(help="Ids that `kx methods` lists, with commas.", show_default="some that work in different ways"),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers that `kx inspect` lists, with commas; else the recommended.")
    ] = None,
    metrics: Metrics = None,
    target: Annotated[str, typer.Option(help="What to explain: a class's name or index, or top.")] = "top",
    sample: Sample = 100,
    seed: Seed = 0,
    cover: Cover = "blur",
    steps: Steps = 10,
    controls: Controls = 8,
    class_names: Names = None,
    preprocess: Preprocess = "auto",
    fit: FitMode = "stretch",
    rgb: Rgb = None,
    value_range: ValueRange = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the table as JSON.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure several methods on the same images, beside each other, with intervals over images."""
    loaded = read_model(model)
    from kx_widget.bulk.file_comparison import compare_files
    from kx_widget.engine.files import writable
    from kx_widget.explainer import Explainer

    path = None if out is None else writable(out)
    chosen = {"methods": _ids(methods), "layers": _ids(layers), "metrics": _ids(metrics)}
    question: dict[str, Any] = {name: ids for name, ids in chosen.items() if ids is not None}
    question |= {"cover": cover, "steps": steps, "controls": controls, "sample": sample or None, "seed": seed}
    explainer = Explainer(
        loaded,
        preprocess=None if preprocess == "none" else preprocess,
        class_names=class_names_of(class_names),
        fit=fit,
        **about_images(rgb, value_range),
    )
    state, is_stopped = None, False
    try:
        aim = int(target) if target.isdecimal() else target
        for reached in compare_files(explainer, photos, aim, progress=not quiet, **question):
            state = reached
    except KeyboardInterrupt:
        is_stopped = True
    if state is None:
        typer.echo("Stopped before anything was compared.", err=True)
        raise typer.Exit(STOPPED)
    _report_comparison(state, path, as_json)
    if is_stopped:
        typer.echo(f"Stopped at {state.done} of {counted(state.wanted, 'image')}.", err=True)
    if is_stopped or state.skipped:
        raise typer.Exit(STOPPED if is_stopped else SKIPPED)


def _report_comparison(state: Any, path: Path | None, as_json: bool) -> None:
    from kx_widget.cli.tables import comparison_facts, comparison_lines
    from kx_widget.engine.files import write_whole

    facts = comparison_facts(state)
    if path is not None:
        write_whole(path, json.dumps(facts, indent=2).encode())
    if as_json:
        say(facts)
    else:
        for line in comparison_lines(state):
            typer.echo(line)
    _tell_skipped(state.skipped)


def _ids(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _bounds(columns: Mapping[str, Any], texts: Sequence[str] | None, better: str) -> dict[str, tuple[float, bool]]:
    """By metric, what its mean must not leave, and whether that is the least that it may be.

    Raises:
        ParameterError: a metric that is not measured, or the other bound is meant.
    """
    option = "--fail-below" if better == "higher" else "--fail-above"
    bounds: dict[str, tuple[float, bool]] = {}
    for text in texts or ():
        name, _, value = text.partition("=")
        if name not in columns:
            raise ParameterError(f"{option} {text!r}: {name!r} is not measured. Measured: {', '.join(columns)}.")
        try:
            bound = float(value)
        except ValueError:
            raise ParameterError(f"{option} {text!r} must be METRIC=VALUE, {name}=0.1 for instance.") from None
        if columns[name].metric.better(columns[name].params) != better:
            other = "--fail-above" if better == "higher" else "--fail-below"
            raise ParameterError(
                f"{option} {text!r}: of {name} {'less' if better == 'higher' else 'more'} is better, "
                f"so that {other} is meant."
            )
        bounds[name] = bound, better == "higher"
    return bounds
