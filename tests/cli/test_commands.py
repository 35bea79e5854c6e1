"""The command as people and scripts call it."""

import json
import re
import subprocess
import sys
import warnings
import webbrowser
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kx_widget as kx
from kx_widget.engine.figures import percent
from tests import models
from tests.engine.test_notes import dead
from tests.widget.saved import read_page


def test_the_true_class_of_each_image(kx_command, model, folder, tmp_path):
    names, store = tmp_path / "names.txt", tmp_path / "maps.parquet"
    names.write_text("cats\nx\ndogs\ny\n", encoding="utf-8")
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


def test_a_folder_that_is_no_class_is_said_in_a_sentence(kx_command, model, folder, tmp_path):
    names, command = (
        tmp_path / "names.txt",
        ("explain", model, folder, "--labels", "folder", "--out", tmp_path / "s", "--quiet"),
    )
    code, _, err = kx_command(*command)
    assert (code, err.startswith('kx: labels="folder": no single class is named like')) == (1, True)
    assert "--class-names" in err
    names.write_text("cats\nx\ny\nz\n", encoding="utf-8")
    with pytest.warns(RuntimeWarning, match="^11 of 21 images have no label, .*: 'dogs'. The classes are 'cats', "):
        kx_command(*command, "--class-names", names)
    assert warnings.formatwarning("Said.", RuntimeWarning, "file", 1) == "kx: Said.\n"


def test_explain_and_show(kx_command, model, folder, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("cats\nx\ndogs\ny\n", encoding="utf-8")
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
    assert (code, out) == (0, f"4 of 38 maps in {page}.\n")
    state, header, (maps,) = read_page(page)
    best = kept.rows(kept.select(sort="score", descending=True)[:1])[0]
    assert best["id"].endswith(state["_images"][0]["name"])
    assert state["labels"][0] == best["label"]
    (answer,) = header["answers"]
    assert [(item["image"], item["column"]) for item in answer["items"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    item = answer["items"][best["column"]]
    assert (item["target_name"], item["score"]) == (best["target_name"], pytest.approx(best["score"]))
    rows = [number for number in kept.select() if kept.rows([number], ["id"])[0]["id"] == best["id"]]
    for shown, stored in zip(maps[:2], kept.maps(rows), strict=True):
        assert shown == pytest.approx(stored, abs=1e-4 * float(np.abs(stored).max()))
    assert header["predictions"]["best"][0] == best["predicted"]
    assert header["welcome"]["inspection"]["preprocessing"] == "4 of 38 maps in maps.parquet; 2 images skipped"
    assert f"<title>LayerCAM · {kept.job['layer']} · maps.parquet</title>" in page.read_text(encoding="utf-8")
    code, out, _ = kx_command("show", store, "--out", page, "--target", "cats", "--json", "--force")
    assert json.loads(out)["found"] == kept.column("target_name").to_pylist().count("cats")
    _, header, _ = read_page(page)
    assert {item["target_name"] for item in header["answers"][0]["items"]} == {"cats"}
    assert header["answers"][0]["asked"]["target"] == "cats"


@pytest.fixture
def store(kx_command, model, folder, tmp_path):
    """Two explained photos, one of them wide."""
    Image.new("RGB", (90, 30), "red").save(folder / "cats" / "01.png")
    path = tmp_path / "two.parquet"
    photos = [folder / "cats" / name for name in ("01.png", "03.png")]
    assert kx_command("explain", model, *photos, "--out", path, "--quiet")[0] == 0
    return path


def test_show_needs_no_tensorflow(store, tmp_path):
    """Of 11 seconds, 10 went to loading it."""
    code = (
        "import sys; from kx_widget.cli import main\n"
        f"sys.argv = ['kx', 'show', {str(store)!r}, '--out', {str(tmp_path / 'page.html')!r}]\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "page.html").exists()


def test_show_keeps_the_aspect_and_tells_nothing_of_the_machine(kx_command, store, tmp_path):
    kx_command("show", store, "--out", tmp_path / "page.html")
    state, header, _ = read_page(tmp_path / "page.html")
    assert (state["_images"][0]["width"], state["_images"][0]["height"]) == (90, 30)
    assert [picture["name"] for picture in state["_images"]] == ["01.png", "03.png"]
    assert str(tmp_path) not in json.dumps(state) + json.dumps(header)


def test_show_never_overwrites_unasked(kx_command, store, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pages = [json.loads(kx_command("show", store, "--json")[1])["page"] for _ in range(3)]
    assert pages == ["two.html", "two-2.html", "two-3.html"]
    Path("own.html").write_text("mine", encoding="utf-8")
    code, _, err = kx_command("show", store, "--out", "own.html")
    assert (code, err) == (
        1,
        "kx: 'own.html' is there already: choose another name, or replace it with --force.",
    )
    assert Path("own.html").read_text(encoding="utf-8") == "mine"
    assert kx_command("show", store, "--out", "own.html", "--force")[0] == 0
    assert Path("own.html").read_text(encoding="utf-8") != "mine"
    assert kx_command("show", store, "--force", "--json")[1].count("two.html")


def test_show_opens_the_page(kx_command, store, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or len(opened) < 2)
    page = tmp_path / "page.html"
    assert kx_command("show", store, "--out", page, "--open")[2] == ""
    assert opened == [page.as_uri()]
    assert "No browser was found" in kx_command("show", store, "--out", page, "--open", "--force")[2]


def test_show_knows_the_colour_tables_of_the_widget(kx_command, store, tmp_path):
    code, _, err = kx_command("show", store, "--out", tmp_path / "page.html", "--colormap", "jet")
    assert code == 1
    assert "There is no colormap 'jet'. Known: 'inferno', 'viridis'" in err
    assert kx_command("show", store, "--out", tmp_path / "page.html", "--colormap", "magma")[0] == 0
    assert read_page(tmp_path / "page.html")[0]["colormap"] == "magma"


def test_show_writes_no_page_of_nothing(kx_command, model, folder, tmp_path):
    """A single image is predicted either right or wrong."""
    store = tmp_path / "s"
    names = tmp_path / "names.txt"
    names.write_text("cats\nx\ndogs\ny\n", encoding="utf-8")
    asked = ("--labels", "folder", "--class-names", names, "--out", store)
    assert kx_command("explain", model, folder / "cats" / "01.png", *asked)[0] == 0
    pages = [tmp_path / "wrong.html", tmp_path / "right.html"]
    shown = [kx_command("show", store, "--out", page, f"--{page.stem}") for page in pages]
    assert sorted(code for code, _, _ in shown) == [0, 1]
    assert [page.exists() for page in pages] == [code == 0 for code, _, _ in shown]
    ((_, _, said),) = (one for one in shown if one[0])
    assert f"{str(store)!r} holds 1 map, of which none fits this choice." in said


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
    (item,) = read_page(page)[1]["answers"][0]["items"]
    assert item["score"] == pytest.approx(logits.max(), rel=1e-4)
    assert item["probability"] == (pytest.approx(float(truth), rel=1e-4) if share else None)
    assert row["probability"] == (pytest.approx(float(truth), rel=1e-4) if share else None)


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
        (("explain", "PHOTOS/cats/01.png", "MODEL"), "01.png' is an image, where the model belongs: kx explain MODEL"),
        (("inspect", "PHOTOS"), "is a folder, where the model belongs"),
        (("explain", "MODEL", "zz/"), "zz/: there is no such file or folder"),
        (("inspect", "junk.keras"), "'junk.keras' cannot be read as a Keras model (a .keras file is a zip archive"),
        (("show", "none.parquet"), "'none.parquet' is not a store of explanations (No such file or directory)."),
        (("inspect", "none.keras"), "There is no model 'none.keras'"),
    ],
)
def test_what_goes_wrong_is_one_sentence(kx_command, model, folder, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk.keras").write_text("junk", encoding="utf-8")
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
    (tmp_path / "names.txt").write_text(
        "tench, Tinca tinca\ngoldfish\nhammerhead, shark, fish\nray\n", encoding="utf-8"
    )
    asked = ("explain", model, folder / "cats" / "01.png", "--out", tmp_path / "s", "--class-names")
    targets = "goldfish,Tench, tinca tinca,3,hammerhead, shark, fish, top"
    assert kx_command(*asked, tmp_path / "names.txt", "--targets", targets)[0] == 0
    assert kx.Store(tmp_path / "s").column("target").to_pylist()[:4] == [1, 0, 3, 2]


def test_a_contrast_of_such_classes_is_one_target(kx_command, model, folder, tmp_path):
    (tmp_path / "names.txt").write_text(
        "tench, Tinca tinca\ngoldfish\nhammerhead, shark, fish\nray\n", encoding="utf-8"
    )
    asked = ("explain", model, folder / "cats" / "01.png", "--out", tmp_path / "s", "--class-names")
    several = "tench, Tinca tinca − 0.6 mean(hammerhead, shark, fish; ray)"
    targets = f"ray, {several}, goldfish − tench, Tinca tinca, top"
    assert kx_command(*asked, tmp_path / "names.txt", "--targets", targets)[0] == 0
    names = kx.Store(tmp_path / "s").column("target_name").to_pylist()
    assert names[:3] == ["ray", several, "goldfish − tench, Tinca tinca"]


@pytest.mark.parametrize(("version", "code"), [("3.11.2", 1), ("3.11.3", 0), ("3.4.0rc1", 1), ("4.0.0", 0)])
def test_h5_is_loaded_only_by_a_keras_that_does_not_run_its_code(kx_command, tmp_path, monkeypatch, version, code):
    models.residual().save(tmp_path / "m.h5")
    monkeypatch.setattr(keras, "__version__", version)
    ended, _, err = kx_command("inspect", tmp_path / "m.h5")
    assert ended == code
    assert ("runs whatever code a .h5 file holds (CVE-2025-9905): install Keras 3.11.3 or later" in err) == bool(code)


def test_a_page_of_a_store_loads_nothing(kx_command, store, tmp_path):
    kx_command("show", store, "--out", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "content=\"default-src 'none'; script-src 'sha256-" in text
    assert not re.search(r"(src|href)=.https?:", text)


def test_explain_tells_what_the_model_predicts(kx_command, model, folder, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("cats\nx\ndogs\ny\n", encoding="utf-8")
    asked = ("--class-names", names, "--labels", "folder", "--quiet", "--out")
    photos = [folder / "cats" / f"{i:02}.png" for i in (1, 3, 5)]
    code, out, _ = kx_command("explain", model, *photos, *asked, tmp_path / "s")
    scores, shares = kx.Explainer(keras.saving.load_model(model, compile=False)).predict(photos)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("preprocess: ")
    assert lines[1].split() == ["photo", "predicted", "true"]
    for line, photo, best, share in zip(lines[2:5], photos, scores.argmax(-1), shares, strict=True):
        verdict = "✓" if best == 0 else "✗ cats"
        figure = f"{['cats', 'x', 'dogs', 'y'][best]} {percent(share[best])}"
        assert [*filter(None, re.split("  +", line))] == [photo.name, figure, verdict]
    told = json.loads(kx_command("explain", model, *photos, *asked, tmp_path / "s", "--json")[1])
    assert sum(told["predictions"].values()) == 3
    assert told["preprocessing"] == lines[0]


def test_of_many_photos_explain_counts_the_predictions(kx_command, model, folder, tmp_path):
    for i in range(12):
        Image.effect_noise((20, 20), 90).convert("RGB").save(folder / "dogs" / f"more-{i}.png")
    _, out, _ = kx_command("explain", model, folder, "--out", tmp_path / "s", "--quiet")
    lines = out.splitlines()
    assert lines[1] == "Predicted of 31 photos:"
    assert sum(int(line.split()[0]) for line in lines[2:] if " × " in line) == 31


def test_a_lone_photo_is_shown_in_the_shell(kx_command, model, folder, tmp_path):
    photo = folder / "cats" / "01.png"
    code, out, _ = kx_command("explain", model, photo, "--out", tmp_path / "s", "--quiet")
    assert code == 0
    _, shares = kx.Explainer(keras.saving.load_model(model, compile=False)).predict(photo)
    assert re.search(f"{percent(shares.max())} +█", out)
    assert "Grad-CAM at after_add for class" in out
    assert re.search("^│[ ░▒▓█]{48}│$", out, re.M)
    assert f"1 map in {tmp_path / 's'}. See it: kx show" in out


def test_version(kx_command):
    assert kx_command("--version") == (0, f"kx_widget {kx.__version__}\n", "")


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


def test_inspect_a_model_of_bands_and_two_inputs(kx_command, tmp_path):
    image, age = keras.Input((8, 8, 4), name="image"), keras.Input((1,), name="age")
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(image)), age])
    keras.Model({"age": age, "image": image}, layers.Dense(2)(x)).save(tmp_path / "two.keras")
    code, out, _ = kx_command("inspect", tmp_path / "two.keras")
    assert (code, "input (8, 8, 4)" in out) == (0, True)


@pytest.fixture(scope="module")
def of_bands(tmp_path_factory):
    """A model of four bands, three images of 12 bits for it, and the folder where they are saved."""
    folder = tmp_path_factory.mktemp("bands")
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 4))
    layers_of = [layers.Conv2D(3, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    net = keras.Sequential([image, layers.Rescaling(1 / 255), *layers_of])
    net.save(folder / "bands.keras")
    deep = np.random.default_rng(0).integers(0, 4096, (3, 8, 8, 4)).astype(np.uint16)
    for i, one in enumerate(deep):
        np.save(folder / f"{i}.npy", one)
    return net, deep, folder


def test_explain_bands_in_a_range_and_show_some(kx_command, of_bands, tmp_path):
    (net, deep, folder), store = of_bands, tmp_path / "maps.parquet"
    asked = ("explain", folder / "bands.keras", *sorted(folder.glob("*.npy")), "--out", store, "--quiet")
    code, out, err = kx_command(*asked, "--value-range", "-1000,5000", "--rgb", "3,viridis", "--targets", "1")
    assert (code, err) == (0, "")
    assert "-1000 is taken as black and 5000 as white; band 3 of 4 is shown in viridis" in out
    want = net.predict((deep.astype("f4") + 1000) * (255 / 6000), verbose=0)[:, 1]
    opened = kx.Store(store)
    scores = opened.columns(["score"]).column("score").to_numpy()
    np.testing.assert_allclose(scores, want, rtol=1e-4)
    assert (opened.bands.value_range, opened.bands.rgb) == ((-1000, 5000), (3, "viridis"))
    code, out, _ = kx_command("compare", folder / "bands.keras", folder / "0.npy", "--value-range", "0,4095",
                              "--rgb", "3,2,1", "--methods", "gradcam", "--metrics", "sparseness")  # fmt: skip
    assert (code, "sparseness" in out.lower()) == (0, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--value-range", "4095"), "--value-range '4095' must be LOW,HIGH"),
        (("--value-range", "5,1"), "is no range"),
        (("--rgb", "1,2"), "are no bands"),
        (("--rgb", "4"), "there is no band 4, the model has bands 0 to 3"),
        (("--rgb", "3,rainbowish"), "rainbowish"),
    ],
)
def test_bands_and_ranges_that_are_none(kx_command, of_bands, options, said):
    *_, folder = of_bands
    code, _, err = kx_command("explain", folder / "bands.keras", folder / "0.npy", *options)
    assert code == 1
    assert said in err


def test_inspect(kx_command, model):
    code, out, _ = kx_command("inspect", model)
    facts = kx.Explainer(models.residual()).inspection
    assert code == 0
    assert f"recommended {facts.recommended}: {facts.why}" in out
    assert re.search(r"^\* after_add +ReLU +12×12$", out, re.M)
    assert re.search("^preprocess: none, 0..255 passed on", out, re.M)
    told = json.loads(kx_command("inspect", model, "--json")[1])
    assert (told["recommended"], told["head"]) == (facts.recommended, facts.head)
    assert told["preprocessing"].startswith("preprocess: none, 0..255 passed on")
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
    questions = ["Where does it look?", "Which pixels?", "What if it were gone?"]
    places = [out.index(words) for words in (*questions[:2], "integrated_gradients  ", questions[2], "rise  ")]
    assert places == sorted(places)
    assert {m["purpose"] for m in told} >= set(questions)


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
    assert out.splitlines()[-1] == "6 of 6 maps say nothing (flat): see the column notes"
    code, out, _ = kx_command("explain", path, *good, "--out", store, "--targets", "1,2", "--quiet", "--json")
    assert json.loads(out)["notes"] == {"flat": 6}
    assert kx.Store(store).column("notes")[0].as_py()[0].startswith("Flat: the map is 0 everywhere")
    code, out, _ = kx_command("explain", model, *good, "--out", tmp_path / "other", "--quiet", "--json")
    assert json.loads(out)["notes"] == {}


def test_embeddings_are_kept_where_they_are_asked_for(kx_command, model, folder, tmp_path):
    path = tmp_path / "maps.parquet"
    assert kx_command("explain", model, folder, "--embeddings", "--out", path, "--quiet")[0] in (0, 3)
    store = kx.Store(path)
    row = int(store.select()[0])
    assert row not in store.nearest(row).indices
    assert store.nearest(row).similarities[0, 0] > 0
