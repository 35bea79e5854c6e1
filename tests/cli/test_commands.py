"""The command as people and scripts call it."""

import base64
import hashlib
import json
import re

import keras
import pytest

import kx_widget as kx
from kx_widget.cli import main
from tests import models
from tests.engine.test_notes import dead

pytestmark = pytest.mark.usefixtures("_wide")


@pytest.fixture
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.utils.set_random_seed(0)
    models.residual().save(path)
    return path


@pytest.fixture
def kx_command(monkeypatch, capsys):
    """Run `kx …`: exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kx", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        # What Python does with sys.exit("text").
        return (1, out, err + code) if isinstance(code, str) else (code or 0, out, err)

    return run


def test_the_true_class_of_each_image(kx_command, model, folder, tmp_path):
    names, store = tmp_path / "names.txt", tmp_path / "maps.parquet"
    names.write_text("cats\nx\ndogs\ny\n")
    asked = ("explain", model, folder, "--targets", "true,top", "--class-names", names, "--out", store, "--quiet")
    code, _, err = kx_command(*asked)
    assert (code, "--labels folder" in err) == (1, True)
    code, out, _ = kx_command(*asked, "--labels", "folder")
    assert (code, "38 maps in" in out) == (3, True)
    kept = kx.Store(store)
    found = kept.rows(kept.select(), ["id", "target_name", "column"])
    assert all(row["target_name"] in row["id"] for row in found if row["column"] == 0)


def test_a_parameter_that_a_method_has_not_is_not_taken_for_an_argument(kx_command, model, folder):
    code, _, err = kx_command("explain", model, folder, "--param", "steps=5")
    assert (code, "'targets'" in err) == (1, False)
    assert "Grad-CAM has no parameter 'steps'. It takes none." in err


def test_explain_and_show(kx_command, model, folder, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("cats\nx\ndogs\ny\n")
    store = tmp_path / "maps.parquet"
    asked = ("explain", model, folder, "--out", store, "--method", "layercam", "--top", "2", "--class-names", names)
    code, out, err = kx_command(*asked, "--labels", "folder")
    assert code == 3
    assert f"38 maps in {store}. See them: kx show {store}" in out
    assert re.search(r"skipped .*02-truncated.jpg: cannot be read", err)
    assert "21/21" in err
    assert "image/s" in err

    code, out, _ = kx_command(*asked, "--labels", "folder", "--json", "--quiet")
    told = json.loads(out)
    assert (code, told["rows"], len(told["skipped"])) == (3, 38, 2)
    kept = kx.Store(store)
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False), class_names=["cats", "x", "dogs", "y"])
    number = kept.select()[-1]
    (row,) = kept.rows([number])
    expected = explainer.explain(row["id"], row["target"], method="layercam")
    assert row["score"] == pytest.approx(expected.scores.item(), rel=1e-5)
    assert kept.maps([number])[0] == pytest.approx(expected.maps[0, 0], rel=1e-4, abs=1e-7)

    page = tmp_path / "page.html"
    code, out, _ = kx_command("show", store, "--out", page, "--limit", "5", "--sort", "score", "--descending")
    assert (code, out) == (0, f"5 of 38 maps in {page}.\n")
    text = page.read_text()
    assert text.count("<figure>") == 5
    assert "Skipped images: 2" in text
    assert not re.search(r"(src|href)=.https?:", text)
    best = kept.rows(kept.select(sort="score", descending=True)[:1])[0]
    assert text.index(best["id"]) < text.index("</figure>")
    assert f"<title>LayerCAM · {kept.job['layer']}</title>" in text
    assert f"<b>{best['target_name']}</b><i> · {100 * best['probability']:.1f} %</i>" in text
    code, out, _ = kx_command("show", store, "--out", page, "--target", "cats", "--json")
    assert json.loads(out)["found"] == kept.column("target_name").to_pylist().count("cats")


def test_show_writes_no_page_of_nothing(kx_command, model, folder, tmp_path):
    """A single image is predicted either right or wrong."""
    store = tmp_path / "s"
    names = tmp_path / "names.txt"
    names.write_text("cats\nx\ndogs\ny\n")
    asked = ("--labels", "folder", "--class-names", names, "--out", store)
    assert kx_command("explain", model, folder / "cats" / "01.png", *asked)[0] == 0
    pages = [tmp_path / "wrong.html", tmp_path / "right.html"]
    shown = [kx_command("show", store, "--out", page, f"--{page.stem}") for page in pages]
    assert sorted(code for code, _, _ in shown) == [0, 1]
    assert [page.exists() for page in pages] == [code == 0 for code, _, _ in shown]
    ((_, _, said),) = (one for one in shown if one[0])
    assert f"None of the 1 maps in {str(store)!r} fits this choice." in said


def test_explain_nothing_broken_ends_with_0_and_parameters_arrive(kx_command, model, folder, tmp_path):
    store = tmp_path / "s"
    asked = ("explain", model, folder / "cats" / "0[13].png", "--out", store, "--targets", "class 1, 2")
    code, _, _ = kx_command(
        *asked, "--method", "integrated_gradients", "--param", "steps=4", "--param", "baseline=mean"
    )
    assert code == 0
    rows = kx.Store(store).rows(range(4))
    assert [r["target"] for r in rows] == [1, 2, 1, 2]
    params = json.loads(rows[0]["params"])
    assert (params["steps"], params["baseline"]) == (4, "mean")


class OwnLoss(keras.losses.Loss):
    """Not known where the model is loaded again."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred)


@pytest.mark.parametrize(
    ("loss", "share"),
    [(keras.losses.CategoricalCrossentropy(from_logits=True), True), ("mse", False), (None, False), (OwnLoss(), False)],
)
def test_a_saved_model_says_whether_it_is_a_classifier(kx_command, folder, tmp_path, loss, share):
    model = models.pooled(None)
    if loss is not None:
        model.compile(loss=loss)
    model.save(tmp_path / "m.keras")
    store, page = tmp_path / "s", tmp_path / "page.html"
    asked = ("explain", tmp_path / "m.keras", folder / "cats" / "01.png", "--out", store)
    assert kx_command(*asked)[0] == 0
    assert kx_command("show", store, "--out", page, "--sort", "probability")[0] == 0
    (row,) = kx.Store(store).rows([0])
    logits = kx.Explainer(model).predict(folder / "cats" / "01.png")[0]
    truth = keras.ops.softmax(logits)[0, row["target"]]
    figure = f"{100 * truth:.1f} %" if share else f"score {logits.max():.2f}"
    assert f"<i> · {figure}</i>" in page.read_text()
    assert row["probability"] == (pytest.approx(float(truth), rel=1e-4) if share else None)
    assert "nan" not in page.read_text().lower().split("<main>")[1].partition("base64")[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain", "none.keras", "photos"), "There is no model 'none.keras'"),
        (("explain", "MODEL", "none"), "none: there is no such file"),
        (("explain", "MODEL", "PHOTOS", "--method", "gradcan"), "Did you mean 'gradcam'"),
        (("explain", "MODEL", "PHOTOS", "--targets", "dog"), "There is no class 'dog'"),
        (("explain", "MODEL", "PHOTOS", "--targets", "-1"), "There is no class -1: the model has classes 0 to 3"),
        (("explain", "MODEL", "PHOTOS", "--top", "99"), "--top 99 asks for more classes than the model has (4)"),
        (("explain", "MODEL", "PHOTOS", "--workers", "2", "--top", "99"), "--top 99 asks for more classes"),
        (("explain", "MODEL", "PHOTOS", "--layer", "insid"), "Did you mean 'inside'"),
        (("explain", "MODEL", "PHOTOS", "--param", "steps"), "must be NAME=VALUE"),
        (("explain", "MODEL", "PHOTOS", "--param", "steps=3"), "steps"),
        (("explain", "MODEL", "PHOTOS", "--labels", "file"), 'Pass "folder" or None'),
        (("explain", "MODEL", "PHOTOS", "--class-names", "none.txt"), "The class names in 'none.txt' cannot be read"),
        (("explain", "PHOTOS/cats/01.png", "PHOTOS"), "cannot be read as a Keras model"),
        (("explain", "MODEL", "zz/"), "zz/: there is no such file or folder"),
        (("inspect", "junk.keras"), "'junk.keras' cannot be read as a Keras model (a .keras file is a zip archive"),
        (("show", "none.parquet"), "is not a store of explanations"),
        (("inspect", "none.keras"), "There is no model 'none.keras'"),
    ],
)
def test_what_goes_wrong_is_one_sentence(kx_command, model, folder, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk.keras").write_text("junk")
    given = [a.replace("MODEL", str(model)).replace("PHOTOS", str(folder)) for a in arguments]
    options = ["--on-error", "raise", "--quiet"] if arguments[0] == "explain" else []
    code, out, err = kx_command(*given, *options)
    assert code == 1
    assert said in err
    assert err.startswith("kx: ")
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--targets", ""), "There is no class ''"),
        (("--param", "targets=top"), "Grad-CAM has no parameter 'targets'"),
        (("--param", "images=3"), "Grad-CAM has no parameter 'images'"),
        (("--param", "self=1"), "Grad-CAM has no parameter 'self'"),
        (("--param", "progress=true"), "Grad-CAM has no parameter 'progress'"),
        (("--param", "batch_size=2"), "Grad-CAM has no parameter 'batch_size'"),
        (("--param", "method=rise"), "Grad-CAM has no parameter 'method'"),
        (("--param", "question=1"), "Grad-CAM has no parameter 'question'"),
    ],
)
def test_parameters_are_those_of_the_method(kx_command, model, folder, tmp_path, options, said):
    code, out, err = kx_command("explain", model, folder / "cats", "--out", tmp_path / "s", *options)
    assert (code, out) == (1, "")
    assert said in err


def test_parameters_set_what_is_wrapped_around_the_method(kx_command, model, folder, tmp_path):
    asked = ("explain", model, folder / "cats" / "01.png", "--out", tmp_path / "s", "--method", "gradients")
    assert kx_command(*asked, "--param", "seed=3", "--param", 'smooth={"repetitions": 2}')[0] == 0
    assert (job := kx.Store(tmp_path / "s").job)["seed"] == 3
    assert job["params"]["smooth"]["repetitions"] == 2


def test_class_names_with_commas_are_targets(kx_command, model, folder, tmp_path):
    (tmp_path / "names.txt").write_text("tench, Tinca tinca\ngoldfish\nhammerhead, shark, fish\nray\n")
    asked = ("explain", model, folder / "cats" / "01.png", "--out", tmp_path / "s", "--class-names")
    targets = "goldfish,Tench, tinca tinca,3,hammerhead, shark, fish, top"
    assert kx_command(*asked, tmp_path / "names.txt", "--targets", targets)[0] == 0
    assert kx.Store(tmp_path / "s").column("target").to_pylist()[:4] == [1, 0, 3, 2]


@pytest.mark.parametrize(("version", "code"), [("3.11.2", 1), ("3.11.3", 0), ("3.4.0rc1", 1), ("4.0.0", 0)])
def test_h5_is_loaded_only_by_a_keras_that_does_not_run_its_code(kx_command, tmp_path, monkeypatch, version, code):
    models.residual().save(tmp_path / "m.h5")
    monkeypatch.setattr(keras, "__version__", version)
    ended, _, err = kx_command("inspect", tmp_path / "m.h5")
    assert ended == code
    assert ("runs whatever code a .h5 file holds (CVE-2025-9905): install Keras 3.11.3 or later" in err) == bool(code)


def test_a_page_of_a_store_runs_no_script_and_loads_nothing(kx_command, model, folder, tmp_path):
    kx_command("explain", model, folder / "cats", "--out", tmp_path / "s", "--quiet")
    kx_command("show", tmp_path / "s", "--out", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    assert not re.search(r"\sstyle=|<script", text)


def test_wrong_usage_ends_with_2(kx_command):
    assert kx_command("explain")[0] == 2
    code, _, err = kx_command("explain", "m", "p", "--dtype", "int8")
    assert code == 2
    assert "float32" in err
    code, _, err = kx_command("explain", "m", "p", "--top", "2", "--targets", "cat")
    assert code == 2
    assert "give one of them" in err
    for top in ("-1", "0"):
        code, _, err = kx_command("explain", "m", "p", "--top", top)
        assert code == 2
        assert "Invalid value for '--top'" in err


def test_inspect(kx_command, model):
    code, out, _ = kx_command("inspect", model)
    facts = kx.Explainer(models.residual()).inspection
    assert code == 0
    assert f"recommended {facts.recommended}: {facts.why}" in out
    assert re.search(r"^\* after_add +ReLU +12×12$", out, re.M)
    told = json.loads(kx_command("inspect", model, "--json")[1])
    assert (told["recommended"], told["head"]) == (facts.recommended, facts.head)
    assert told["classes"] == [f"class {i}" for i in range(4)]
    assert [layer["path"] for layer in told["layers"]] == list(facts.candidates)
    assert len(json.loads(kx_command("inspect", model, "--json", "--all")[1])["layers"]) == len(facts.layers)


def test_methods(kx_command):
    _, out, _ = kx_command("methods")
    told = json.loads(kx_command("methods", "--json")[1])
    assert [m["id"] for m in told] == list(kx.METHODS)
    for entry in kx.METHODS.values():
        assert re.search(f"^{entry.id} +{entry.sees} +{re.escape(entry.cost)} +{re.escape(entry.summary)}$", out, re.M)
        assert all(f"--param {p.name}=" in out for p in entry.params)


def test_help_teaches(kx_command):
    _, out, _ = kx_command("--help")
    for words in ("explain", "show", "inspect", "methods", "Exit codes: 0 done"):
        assert words in out
    _, out, _ = kx_command("explain", "--help")
    for words in ("Example: kx explain model.keras photos/", "top-2", "repeatable", "goes on when the same command"):
        assert words in out
    _, out, _ = kx_command("show", "--help")
    assert "KxWidget.from_store('maps.parquet')" in out


def test_maps_that_say_nothing_are_counted(kx_command, model, folder, tmp_path):
    path, store = tmp_path / "dead.keras", tmp_path / "maps.parquet"
    dead().save(path)
    good = [folder / "cats" / f"{i:02}.png" for i in (1, 3, 5)]
    code, out, err = kx_command("explain", path, *good, "--out", store, "--targets", "1,2", "--quiet")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == ["6 of 6 maps say nothing (flat): see the column notes"]
    code, out, _ = kx_command("explain", path, *good, "--out", store, "--targets", "1,2", "--quiet", "--json")
    assert json.loads(out)["notes"] == {"flat": 6}
    assert kx.Store(store).column("notes")[0].as_py()[0].startswith("Flat: the map is 0 everywhere")
    code, out, _ = kx_command("explain", model, *good, "--out", tmp_path / "other", "--quiet", "--json")
    assert json.loads(out)["notes"] == {}
