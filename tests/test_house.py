"""The house keeps its shape: which room may import which, one name for one thing, functions that fit on a screen."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A room may import those before it, and itself; "" is the public face, `kx_widget/__init__.py`.
FLOORS = ("version", "install", "engine", "bulk", "explainer", "widget", "", "cli")
# These stand beside the house: what each of them may import. Only the public face may import them.
BESIDE = {"samples": ("engine",), "compat": ("version", "install", "engine")}
LINES, PARAMETERS = 60, 8

# Keywords that are there to be used one by one, and the names of keras-explainable.
PUBLIC = {
    "cli.commands.explain",
    "cli.commands.show",
    "cli.evaluation_commands.compare",
    "cli.evaluation_commands.evaluate",
    "compat.keras_explainable.explaining.explain",
    "compat.keras_explainable.utils.visualize",
    "engine.explainer.Explainer.__init__",
    "engine.explainer.Explainer.ask",
    "engine.explainer.Explainer.compare",
    "explainer.Explainer.explain_to",
}
# Where the engine reads what Keras or TensorFlow keep private.
PRIVATE = "kx_widget.engine.keras_private"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "kx_widget").rglob("*.py"))}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def room(module: str) -> str:
    return [*module.split("."), ""][1]


def package(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def named(module: str) -> Iterator[str]:
    """Every module that a module imports: at its top, inside functions, for types only, or by name at run time."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package(module).split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (name for name in (node.value, f"kx_widget.{node.value}") if "." in name and name in MODULES)


IMPORTS = {module: {name for name in named(module) if name in MODULES} - {module} for module in MODULES}


def allowed(importer: str, imported: str) -> bool:
    ours, theirs = room(importer), room(imported)
    if ours == theirs:
        return True
    if theirs in BESIDE:
        return ours == ""
    return theirs in (BESIDE[ours] if ours in BESIDE else FLOORS[: FLOORS.index(ours)])


def test_every_room_has_its_floor():
    assert {room(module) for module in MODULES} <= {*FLOORS, *BESIDE}


def test_imports_run_down_and_in_no_circle():
    edges = {(importer, imported) for importer in MODULES for imported in IMPORTS[importer]}
    assert not [edge for edge in sorted(edges) if not allowed(*edge)]
    left = set(MODULES)
    while free := {m for m in left if not any(importer == m and imported in left for importer, imported in edges)}:
        left -= free
    assert not left, "these import each other in a circle, or something that does"


def private(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Each name with one underscore before it that is reached for, and whether on `self`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, value=holder):
                pass
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[holder, ast.Constant(name), *_]):
                pass
            case _:
                continue
        if str(name)[0] == "_" != str(name)[1:2]:
            yield str(name), isinstance(holder, ast.Name) and holder.id in ("self", "cls")


def test_only_one_module_of_the_engine_reads_what_keras_and_tensorflow_keep_private():
    reads = {module: list(private(tree)) for module, tree in TREES.items()}
    ours = {name for names in reads.values() for name, on_self in names if on_self}
    ours |= {getattr(node, "name", "") for tree in TREES.values() for node in ast.walk(tree)}
    theirs = [
        (module, name)
        for module, names in reads.items()
        for name, _ in names
        if room(module) == "engine" and module != PRIVATE and name not in ours
    ]
    assert not theirs


def test_tensorflow_and_keras_are_imported_in_one_place():
    """So that all else is there where they are not, and they are not loaded before somebody needs them."""
    importers = {m for m in MODULES for name in named(m) if name.split(".")[0] in ("tensorflow", "keras")}
    assert importers == {"kx_widget.engine.lazy_modules"}


def test_a_class_name_stands_for_one_class():
    homes = defaultdict(set)
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].add(module)
    # The public Explainer is the engine's, with data sets.
    assert [name for name, modules in homes.items() if len(modules) > 1] == ["Explainer"]


def test_a_file_name_stands_for_one_file():
    """Those of compat have the names of another package."""
    homes = defaultdict(set)
    for module, path in MODULES.items():
        if room(module) != "compat" and path.stem != "__init__":
            homes[path.stem].add(module)
    assert [name for name, modules in homes.items() if len(modules) > 1] == ["explainer"]


def functions(tree: ast.AST, outer: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        name = f"{outer}.{getattr(node, 'name', '')}"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield name, node
        yield from functions(node, name if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else outer)


FUNCTIONS = {
    name.removeprefix("kx_widget."): node for module, tree in TREES.items() for name, node in functions(tree, module)
}


def test_a_function_fits_on_a_screen():
    lines = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in FUNCTIONS.items()}
    assert not {name: count for name, count in lines.items() if count > LINES}


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller sees."""
    places = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    count = len(places) + len(node.args.kwonlyargs) + (node.args.vararg is not None) + (node.args.kwarg is not None)
    return count - (places[:1] in (["self"], ["cls"]))


def test_a_function_takes_eight_parameters_at_most_outside_the_public_interface():
    assert {name for name, node in FUNCTIONS.items() if parameters(node) > PARAMETERS} == PUBLIC


def test_nothing_draws_from_tensorflows_own_generator():
    """Tests do not seed it; Keras and NumPy have generators that can be seeded one by one."""
    paths = [path for folder in ("kx_widget", "tests", "tools") for path in (ROOT / folder).rglob("*.py")]
    draws = re.compile(r"\btf\.random\b")
    assert not [str(path) for path in paths if draws.search(path.read_text(encoding="utf-8"))]
