"""The subcommands of `kx`: arguments in, calls of the package, words or JSON out."""

import contextlib
import json
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from kx_widget.cli.image_options import Rgb, ValueRange, about_images
from kx_widget.cli.models import class_names_of, read_model
from kx_widget.cli.region_option import RegionText, read_region
from kx_widget.engine.drawing import COLORMAP
from kx_widget.engine.errors import FormatError, ParameterError, UnknownTargetError
from kx_widget.engine.figures import counted
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import by_purpose, find
from kx_widget.engine.targets import MINUS, parse
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.version import __version__

SKIPPED = 3
# Settings of a question that --param gives, too: of random numbers and of what a method is wrapped in.
AROUND = ("seed", *WRAPPERS)
# What a note of a heading says of its map.
NOTED = {
    "Flat": "say nothing (flat)",
    "No numbers": "say nothing (no numbers)",
    "Against": "say only what speaks against their class",
    "Gaps": "have gaps (NaN or infinite)",
    "No label": "are empty, for their image has no label",
    "Same class": "are empty, for both classes of their contrast are the same",
    "No region": "are empty, for nothing of the region is seen by the model",
    "Wins nowhere": "are empty, for their class wins nowhere in the image",
    "Control": "are controls, which explain nothing",
    "": "come with a caution",
}
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="See what a Keras model looks at.\n\n`kx inspect` tells what there is to look at, `kx explain` explains "
    "images into a folder of Parquet files, `kx show` makes a page of them. `kx evaluate` and `kx compare` measure how "
    "far maps can be believed, `kx shortcuts` looks for shortcuts.",
    epilog="Exit codes: 0 done; 1 refused, the reason is on stderr; 2 wrong usage; 3 done, but images were skipped.",
)

Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A model saved by Keras, .keras or .h5, from somebody you trust: it may run code."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Names = Annotated[
    str | None,
    typer.Option(
        "--class-names",
        metavar="FILE",
        help="Names of the classes: a text file with one a line, a JSON list or object, or the word imagenet.",
    ),
]


Photos = Annotated[list[str], typer.Argument(metavar="PHOTOS…", help="Folders, files, or quoted globs.")]
Folder = Annotated[Path, typer.Option(help="The folder to write, or to go on with.")]
MethodId = Annotated[str, typer.Option(help="An id that `kx methods` lists.")]
Targets = Annotated[
    str | None,
    typer.Option(
        help="What to explain, with commas: a class's name or index; top, the most probable class; top-2, the second "
        "(one class, not two: see --top); true, each image's own (with --labels).",
        show_default="top",
    ),
]
Top = Annotated[
    int | None, typer.Option(min=1, help="The N most probable classes: --top 3 is --targets top,top-2,top-3.")
]
Layer = Annotated[str | None, typer.Option(help="A layer that `kx inspect` lists; else the recommended.")]
Parameters = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A method's parameter; repeatable.")]
Smooth = Annotated[bool, typer.Option("--smooth", help="Average over noisy copies (SmoothGrad).")]
Tta = Annotated[bool, typer.Option("--tta", help="Average over zoomed and mirrored copies.")]
Labels = Annotated[
    str | None, typer.Option(metavar="folder", help="`folder`: the folders are named after the true classes.")
]
Preprocess = Annotated[Literal["auto", "none"], typer.Option(help="How pixels become what the model expects.")]
FitMode = Annotated[Literal["stretch", "crop", "pad"], typer.Option(help="How images meet the input.")]
MapDtype = Annotated[Literal["float32", "float16"], typer.Option(help="What maps are kept as.")]
BatchSize = Annotated[int | None, typer.Option(help="Images at once; 32 by default.")]
OnError = Annotated[Literal["skip", "raise"], typer.Option(help="What a broken image does.")]
Relevance = Annotated[
    bool, typer.Option("--channel-relevance", help="Also keep what each channel contributes, for `kx shortcuts`.")
]
Embeddings = Annotated[
    bool, typer.Option("--embeddings", help="Also keep what tells which images are alike, for `Store.nearest`.")
]
Evidence = Annotated[
    Literal["free", "cells", "none"],
    typer.Option(
        help="What the store tells of how far each map can be believed: what takes no pass, or also what 16 passes "
        "an image tell."
    ),
]
Workers = Annotated[
    int, typer.Option(min=0, help="Workers on a Ray cluster (extra `ray`); 0 explains in this process.")
]
Gpus = Annotated[float, typer.Option(min=0, help="GPUs of each worker.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"kx_widget {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """Nothing but what a subcommand does."""


def say(value: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(value, indent=2, default=str))


@app.command(
    epilog="Example: `kx explain model.keras photos/ --method gradcam --targets top,top-2 --out maps.parquet`. "
    "A run that was cut off goes on when the same command is given again."
)
def explain(
    model: Model,
    photos: Photos,
    out: Folder = Path("maps.parquet"),
    method: MethodId = "gradcam",
    targets: Targets = None,
    top: Top = None,
    region: RegionText = None,
    layer: Layer = None,
    param: Parameters = None,
    smooth: Smooth = False,
    tta: Tta = False,
    class_names: Names = None,
    labels: Labels = None,
    preprocess: Preprocess = "auto",
    fit: FitMode = "stretch",
    rgb: Rgb = None,
    value_range: ValueRange = None,
    dtype: MapDtype = "float32",
    channel_relevance: Relevance = False,
    embeddings: Embeddings = False,
    batch_size: BatchSize = None,
    on_error: OnError = "skip",
    evidence: Evidence = "free",
    workers: Workers = 0,
    gpus: Gpus = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Explain images into a folder of Parquet files, one row an image and target."""
    if top is not None and targets is not None:
        raise typer.BadParameter("--top and --targets both say what to explain: give one of them.")
    question = {"method": method, "layer": layer, "smooth": smooth, "tta": tta, **_parameters(method, param or ())}
    question["region"] = read_region(region)
    # Before anything else loads TensorFlow, which would tell about itself.
    loaded = read_model(model)
    from kx_widget.bulk.job import Job, explain_here, run_job
    from kx_widget.bulk.pipeline import PipelineSettings
    from kx_widget.explainer import Explainer

    chosen = None if preprocess == "none" else preprocess
    explainer = Explainer(
        loaded, preprocess=chosen, class_names=class_names_of(class_names), fit=fit, **about_images(rgb, value_range)
    )
    parsed = _targets(targets, top, explainer.class_names)
    execute = explain_here
    if workers:
        from kx_widget.bulk.cluster import RayExecutor

        execute = RayExecutor(model, workers, gpus)
    level = None if evidence == "none" else evidence
    columns: dict[str, Any] = {"channel_relevance": channel_relevance, "embeddings": embeddings, "evidence": level}
    settings = PipelineSettings(parsed, question, batch_size, on_error, **columns)
    store = run_job(explainer, Job(out, photos, settings, dtype, labels, progress=not quiet), execute)
    _report(explainer, store, out, as_json)


def _report(explainer: Any, store: Any, out: Path, as_json: bool) -> None:
    """Say what is in a store, and end with `SKIPPED` where images were skipped."""
    from kx_widget.cli.report import (
        evidence_lines,
        evidence_means,
        lone_photo_lines,
        prediction_counts,
        prediction_lines,
        preprocessing_of,
    )

    skipped, headings = store.skipped, store.headings()
    maps, preprocessing = len(store) - len(skipped), preprocessing_of(explainer, store)
    if as_json:
        notes = {heading.lower() or "other": count for heading, count in headings.items()}
        about: dict[str, Any] = {"preprocessing": preprocessing, "predictions": prediction_counts(store)}
        about["evidence"] = evidence_means(store)
        say({"store": str(out), "rows": maps, "notes": notes, "skipped": dict(skipped), **about})
    else:
        lines = [preprocessing, *prediction_lines(store), *lone_photo_lines(explainer, store), *evidence_lines(store)]
        lines.append(f"{counted(maps, 'map')} in {out}. See {'it' if maps == 1 else 'them'}: kx show {out}")
        for heading, count in sorted(headings.items(), reverse=True):
            lines.append(f"{count} of {counted(maps, 'map')} {NOTED[heading]}: see the column notes")
        for line in lines:
            typer.echo(line)
        for name, reason in skipped:
            typer.echo(f"skipped {name}: {reason}", err=True)
    if skipped:
        raise typer.Exit(SKIPPED)


def _targets(text: str | None, top: int | None, class_names: Sequence[str]) -> list[Any]:
    """What --targets or --top asks for; a class name may have commas of its own."""
    if top is not None:
        if top > len(class_names):
            raise UnknownTargetError(f"--top {top} asks for more classes than the model has ({len(class_names)}).")
        return ["top", *(f"top-{place}" for place in range(2, top + 1))]
    names = {name.lower(): name for name in class_names}
    pieces = ("top" if text is None else text).split(",")
    targets: list[Any] = []
    while pieces:
        lengths = range(len(pieces), 0, -1)
        taken = next((n for n in lengths if _is_target(",".join(pieces[:n]).strip(), names)), 1)
        target = ",".join(pieces[:taken]).strip()
        targets.append(int(target) if target.removeprefix("-").isdecimal() else target)
        del pieces[:taken]
    return targets


def _is_target(text: str, names: Mapping[str, str]) -> bool:
    """Whether a text is the name of a class, by those in lower case, or a contrast of classes that have such names."""
    if text.lower() in names or text.count(MINUS) != 1:
        return text.lower() in names
    with contextlib.suppress(UnknownTargetError):
        parse(text, tuple(names.values()))
        return True
    return False


def _parameters(method: str, texts: Sequence[str]) -> dict[str, Any]:
    """What --param gives, for the method and what may be wrapped around it.

    Raises:
        ParameterError: the method has no such parameter.
        UnknownMethodError: there is no such method.
    """
    params = dict(map(_parameter, texts))
    find(METHODS, method).complete({name: value for name, value in params.items() if name not in AROUND})
    return params


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ParameterError(f"--param {text!r} must be NAME=VALUE, steps=20 for instance.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@app.command(
    epilog="Example: `kx show maps.parquet --wrong --sort probability --descending --limit 50`. In a notebook, "
    "`kx_widget.KxWidget.from_store('maps.parquet')` browses all of them."
)
def show(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="What `kx explain` wrote.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page to write.", show_default="the store's name and .html, numbered where that is there"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the page where it is there already.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, help="How many maps the page shows at most; those of one image stay together.")
    ] = 100,
    megabytes: Annotated[
        float, typer.Option(help="Size of the page but for its pictures; larger maps are averaged down.")
    ] = 1.0,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="What to sort by: score, probability, id, or a column of evidence; else the order of the images.",
        ),
    ] = None,
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    target: Annotated[str | None, typer.Option(help="Only maps of this class.")] = None,
    wrong: Annotated[
        bool | None, typer.Option("--wrong/--right", help="Only images predicted wrong, or right.")
    ] = None,
    colormap: Annotated[str, typer.Option(help="Colour table, one that the widget offers.")] = COLORMAP,
    sign: Annotated[
        Literal["auto", "positive", "absolute", "signed"], typer.Option(help="Which part of a map.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a page of stored maps over their images, to open in a browser or to send; it needs nothing else."""
    from kx_widget.bulk.store import Store
    from kx_widget.widget.store_page import MapChoice, write_page

    path = _page_path(store, out, force)
    choice = MapChoice(limit, sort, descending, target, wrong)
    shown, fitting = write_page(Store(store), path, choice, megabytes, colormap=colormap, sign=sign)
    if as_json:
        say({"page": str(path), "shown": shown, "found": fitting})
    else:
        typer.echo(f"{shown} of {counted(fitting, 'map')} in {path}.")
    _open(path, open_it)


@app.command(
    epilog="Example: `kx explain model.keras photos/ --channel-relevance --out maps.parquet`, then `kx shortcuts "
    "maps.parquet model.keras --open`. No suspicion is no proof: the page says what such a search cannot find."
)
def shortcuts(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="What `kx explain --channel-relevance` wrote.", show_default=False)
    ],
    model: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="The model that was explained. Without it nothing can be tested."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The page to write.", show_default="the store's name and -shortcuts.html, numbered"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the page where it is there already.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    most: Annotated[int, typer.Option(min=1, help="Suspicions that are tested, the most suspicious first.")] = 24,
    cover: Annotated[Literal["mean", "blur", "black"], typer.Option(help="What parts are covered by.")] = "mean",
    as_json: AsJson = False,
) -> None:
    """Look for what some images of a class have in common, and test whether the model uses it."""
    path = _page_path(store, out, force, "-shortcuts")
    loaded = None if model is None else read_model(model)
    from kx_widget.bulk.shortcuts import explainer_of, find_shortcuts
    from kx_widget.bulk.store import Store
    from kx_widget.widget.suspicions_page import write_suspicions

    opened = Store(store)
    explainer = None if loaded is None else explainer_of(opened, loaded)
    result = find_shortcuts(opened, explainer, most=most, cover=cover)
    write_suspicions(result, path)
    if as_json:
        say({"page": str(path), "summary": result.summary, "suspicions": [one.facts() for one in result]})
    else:
        typer.echo(f"{result}\n\n{path}")
    _open(path, open_it)


def _open(path: Path, is_asked: bool) -> None:
    if is_asked and not webbrowser.open(path.absolute().as_uri()):
        typer.echo(f"No browser was found here: open {path} yourself.", err=True)


def _page_path(store: Path, out: Path | None, force: bool, suffix: str = "") -> Path:
    """Where the page goes: what is there already is replaced only if that was asked for.

    Raises:
        FormatError: there is such a file.
    """
    if out is None:
        stem = f"{store.absolute().stem}{suffix}"
        out = Path(f"{stem}.html")
        number = 2
        while out.exists() and not force:
            out = out.with_name(f"{stem}-{number}.html")
            number += 1
    elif out.is_file() and not force:
        raise FormatError(f"{str(out)!r} is there already: choose another name, or replace it with --force.")
    return out


@app.command()
def inspect(
    model: Model,
    class_names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Also layers without a map, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """List a model's layers, which one to explain and why, its head, its classes and how it wants its images."""
    loaded = read_model(model)
    from kx_widget.explainer import Explainer

    x = Explainer(loaded, class_names=class_names_of(class_names))
    facts = x.inspection
    inputs: list[Any] = x.inputs.zeros
    inputs.insert(x.inputs.explained, np.zeros((1, *facts.input_shape), np.uint8))
    x.load(inputs[0] if len(inputs) == 1 else tuple(inputs))
    layers = [layer for layer in facts.layers if layer.is_candidate or every]
    if as_json:
        say(
            {
                "recommended": facts.recommended,
                "why": facts.why,
                "recommended_method": facts.recommended_method,
                "why_method": facts.why_method,
                "head": facts.head,
                "classes": list(x.class_names),
                "input_shape": facts.input_shape,
                "nested": facts.nested,
                "preprocessing": x.preprocessing,
                "layers": [vars(layer) for layer in layers],
            }
        )
        return
    names = ", ".join(x.class_names[:5]) + (", …" if facts.classes > 5 else "")
    typer.echo(f"input {facts.input_shape}, head {facts.head}, {facts.classes} classes: {names}")
    typer.echo(x.preprocessing)
    typer.echo(f"recommended {facts.recommended}: {facts.why}")
    typer.echo(f"method {facts.recommended_method}: {facts.why_method}")
    width = max((len(layer.path) for layer in layers), default=0)
    for layer in layers:
        at = "×".join(map(str, layer.spatial)) if layer.spatial else layer.reason
        mark = "*" if layer.path == facts.recommended else " "
        typer.echo(f"{mark} {layer.path:{width}}  {layer.type:20}  {at}")


@app.command()
def methods(as_json: AsJson = False) -> None:
    """List the methods by the question that they answer: what each sees and costs, and its parameters."""
    if as_json:
        hidden = ("fn", "finish", "params", "passes", "display", "objection")
        facts = ({name: value for name, value in vars(e).items() if name not in hidden} for e in METHODS.values())
        rows = zip(facts, METHODS.values(), strict=True)
        say([{**fact, "purpose": e.purpose, "params": [vars(p) for p in e.params]} for fact, e in rows])
        return
    name, cost = (max(len(getattr(e, column)) for e in METHODS.values()) for column in ("id", "cost"))
    for number, (purpose, entries) in enumerate(by_purpose(METHODS.values()).items()):
        typer.echo("\n" * (number > 0) + purpose)
        for entry in entries:
            typer.echo(f"{entry.id:{name}}  {entry.sees:9}  {entry.cost:{cost}}  {entry.summary}")
            for p in entry.params:
                among = f" ({', '.join(p.choices)})" if p.choices else ""
                typer.echo(f"    --param {p.name}={p.default}  {p.help}{among}")
