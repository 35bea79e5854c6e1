"""The subcommands of `kx`: arguments in, calls of the package, words or JSON out."""

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kx_widget.cli.models import class_names_of, read_model
from kx_widget.engine.errors import ParameterError, UnknownTargetError
from kx_widget.engine.methods import METHODS

SKIPPED = 3
# What a note of a heading says of its map.
NOTED = {
    "Flat": "say nothing (flat)",
    "No numbers": "say nothing (no numbers)",
    "Against": "say only what speaks against their class",
    "Gaps": "have gaps (NaN or infinite)",
    "": "come with a caution",
}
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="See what a Keras model looks at.\n\n`kx inspect` tells what there is to look at, `kx explain` explains "
    "images into a folder of Parquet files, `kx show` makes a page of them.",
    epilog="Exit codes: 0 done; 1 refused, the reason is on stderr; 2 wrong usage; 3 done, but images were skipped.",
)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model saved by Keras: .keras, .h5.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Names = Annotated[
    str | None,
    typer.Option(
        "--class-names",
        metavar="FILE",
        help="Names of the classes: a text file with one a line, a JSON list or object, or the word imagenet.",
    ),
]


class Order(str, Enum):
    """What `kx show` sorts by."""

    score = "score"
    probability = "probability"
    id = "id"


def say(value: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(value, indent=2, default=str))


@app.command(
    epilog="Example: `kx explain model.keras photos/ --method gradcam --targets top,top-2 --out maps.parquet`. "
    "A run that was cut off goes on when the same command is given again."
)
def explain(
    model: Model,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTOS…", help="Folders, files, or quoted globs.")],
    out: Annotated[Path, typer.Option(help="The folder to write, or to go on with.")] = Path("maps.parquet"),
    method: Annotated[str, typer.Option(help="An id that `kx methods` lists.")] = "gradcam",
    targets: Annotated[
        str | None,
        typer.Option(
            help="What to explain, with commas: a class's name or index; top, the most probable class; top-2, the "
            "second (one class, not two: see --top).",
            show_default="top",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="The N most probable classes: --top 3 is --targets top,top-2,top-3."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="A layer that `kx inspect` lists; else the recommended.")] = None,
    param: Annotated[list[str], typer.Option(metavar="NAME=VALUE", help="A method's parameter; repeatable.")] = [],  # noqa: B006
    smooth: Annotated[bool, typer.Option("--smooth", help="Average over noisy copies (SmoothGrad).")] = False,
    tta: Annotated[bool, typer.Option("--tta", help="Average over zoomed and mirrored copies.")] = False,
    class_names: Names = None,
    labels: Annotated[
        str | None, typer.Option(metavar="folder", help="`folder`: the folders are named after the true classes.")
    ] = None,
    preprocess: Annotated[
        Literal["auto", "none"], typer.Option(help="How pixels become what the model expects.")
    ] = "auto",
    fit: Annotated[Literal["stretch", "crop", "pad"], typer.Option(help="How images meet the input.")] = "stretch",
    dtype: Annotated[Literal["float32", "float16"], typer.Option(help="What maps are kept as.")] = "float32",
    batch_size: Annotated[int | None, typer.Option(help="Images at once; 32 by default.")] = None,
    on_error: Annotated[Literal["skip", "raise"], typer.Option(help="What a broken image does.")] = "skip",
    workers: Annotated[
        int, typer.Option(min=0, help="Workers on a Ray cluster (extra `ray`); 0 explains in this process.")
    ] = 0,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of each worker.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: AsJson = False,
) -> None:
    """Explain images into a folder of Parquet files, one row an image and target."""
    if top and targets:
        raise typer.BadParameter("--top and --targets both say what to explain: give one of them.")
    asked = _targets(targets or "top") if top is None else ["top", *(f"top-{place}" for place in range(2, top + 1))]
    question: dict[str, Any] = {
        "method": method,
        "layer": layer,
        "smooth": smooth,
        "tta": tta,
        **dict(map(_parameter, param)),
    }
    run: dict[str, Any] = {"dtype": dtype, "batch_size": batch_size, "on_error": on_error, "labels": labels}
    settings: dict[str, Any] = {
        "preprocess": None if preprocess == "none" else preprocess,
        "class_names": class_names_of(class_names),
        "fit": fit,
    }
    from kx_widget.explainer import Explainer

    explainer = Explainer(read_model(model), **settings)
    if top and top > (classes := len(explainer.class_names)):
        raise UnknownTargetError(f"--top {top} asks for more classes than the model has ({classes}).")
    if workers:
        from kx_widget.bulk.cluster import explain_on_ray

        store = explain_on_ray(
            model, photos, out, asked, workers=workers, gpus=gpus, settings=settings, **run, **question
        )
    else:
        from kx_widget.bulk.job import explain_to_store

        store = explain_to_store(explainer, photos, out, asked, **run, progress=not quiet, **question)
    skipped = store.skipped
    if as_json:
        notes = {heading.lower() or "other": count for heading, count in store.headings().items()}
        say({"store": str(out), "rows": len(store) - len(skipped), "notes": notes, "skipped": dict(skipped)})
    else:
        typer.echo(f"{len(store) - len(skipped)} maps in {out}. See them: kx show {out}")
        for heading, count in sorted(store.headings().items(), reverse=True):
            typer.echo(f"{count} of {len(store) - len(skipped)} maps {NOTED[heading]}: see the column notes")
        for name, reason in skipped:
            typer.echo(f"skipped {name}: {reason}", err=True)
    if skipped:
        raise typer.Exit(SKIPPED)


def _targets(text: str) -> list[Any]:
    texts = [target.strip() for target in text.split(",")]
    return [int(target) if target.removeprefix("-").isdecimal() else target for target in texts]


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
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("maps.html"),
    limit: Annotated[int, typer.Option(min=1, help="How many maps the page shows at most.")] = 100,
    sort: Annotated[Order | None, typer.Option(help="What to sort by; else the order of the images.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    target: Annotated[str | None, typer.Option(help="Only maps of this class.")] = None,
    wrong: Annotated[
        bool | None, typer.Option("--wrong/--right", help="Only images predicted wrong, or right.")
    ] = None,
    colormap: Annotated[str, typer.Option(help="Colour table.")] = "viridis",
    sign: Annotated[Literal["positive", "absolute", "signed"], typer.Option(help="Which part of a map.")] = "positive",
    as_json: AsJson = False,
) -> None:
    """Make a page of stored maps over their images, to open in a browser or to send; it needs nothing else."""
    from kx_widget.bulk.page import write_page
    from kx_widget.bulk.store import Store

    opened = Store(store)
    shown, found = write_page(
        opened, out, limit, sort.value if sort else None, descending, target, wrong, colormap, sign
    )
    if as_json:
        say({"page": str(out), "shown": shown, "found": found})
    else:
        typer.echo(f"{shown} of {found} maps in {out}.")


@app.command()
def inspect(
    model: Model,
    class_names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Also layers without a map, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a model's layers, which one to explain and why, its head and its classes."""
    loaded = read_model(model)
    from kx_widget.explainer import Explainer

    x = Explainer(loaded, class_names=class_names_of(class_names))
    facts = x.inspection
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
                "layers": [vars(layer) for layer in layers],
            }
        )
        return
    names = ", ".join(x.class_names[:5]) + (", …" if facts.classes > 5 else "")
    typer.echo(f"input {facts.input_shape}, head {facts.head}, {facts.classes} classes: {names}")
    typer.echo(f"recommended {facts.recommended}: {facts.why}")
    typer.echo(f"method {facts.recommended_method}: {facts.why_method}")
    width = max((len(layer.path) for layer in layers), default=0)
    for layer in layers:
        at = "×".join(map(str, layer.spatial)) if layer.spatial else layer.reason
        mark = "*" if layer.path == facts.recommended else " "
        typer.echo(f"{mark} {layer.path:{width}}  {layer.type:20}  {at}")


@app.command()
def methods(as_json: AsJson = False) -> None:
    """List the methods, what each sees and costs, and its parameters."""
    if as_json:
        found = ({k: v for k, v in vars(e).items() if k not in ("fn", "finish", "params")} for e in METHODS.values())
        say([{**e, "params": [vars(p) for p in METHODS[e["id"]].params]} for e in found])
        return
    name, cost = (max(len(getattr(e, column)) for e in METHODS.values()) for column in ("id", "cost"))
    for entry in METHODS.values():
        typer.echo(f"{entry.id:{name}}  {entry.sees:9}  {entry.cost:{cost}}  {entry.summary}")
        for p in entry.params:
            among = f" ({', '.join(p.choices)})" if p.choices else ""
            typer.echo(f"    --param {p.name}={p.default}  {p.help}{among}")
