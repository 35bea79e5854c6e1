"""The notebooks run from the first cell to the last, and each tells what it set out to."""

import importlib.util
import json
import re
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from kx_widget import install

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# What must be true of a notebook's own variables when its last cell has run.
CHECKS = {
    "bands": """
        assert np.abs(values - truth).max() < 3
        assert loaded.batch.max() == 4095
        black = {**inputs, "image": np.zeros(inputs["image"].shape, "f4")}
        gain = model.predict(inputs, verbose=0) - model.predict(black, verbose=0)
        assert np.abs(e.maps.sum((1, 2, 3)) - gain[:, 0]).max() < 1
        assert (e.maps.sum((2, 3)).argmax(1) == 3).all()
        assert all(abs(s[m].sum() - 1) < 0.2 and abs(s[~m].sum()) < 0.1 for s, m in zip(slope, masks))
        assert np.abs(explainer.predict(warmer)[0] - values + 10).max() < 0.5
    """,
    "data_set": """
        assert [Path(name).name for name, _ in store.skipped] == ["broken.png"]
        assert len(store.select()) == 600 and store.complete
        rows = store.rows(store.select(), ["id", "predicted", "label", "target"])
        assert all(class_names[row["label"]] == Path(row["id"]).parent.name for row in rows)
        assert 0 < len(wrong) < 100
        assert sum(row["predicted"] != row["label"] for row in rows) == len(wrong)
        assert all(row["predicted"] == row["target"] for row in rows[::2])
    """,
    "evidence": """
        assert ev.z["srg"].min() > 2 and np.isfinite(ev.scores["srg"]).all()
        assert faith["gradcam"].scores["deletion"].mean() < faith["noise"].scores["deletion"].mean()
        assert faith["noise"].scores["deletion"].mean() < faith["blobs"].scores["deletion"].mean()
        assert all(np.abs(faith[name].z["srg"]).mean() < 2 for name in ("noise", "blobs"))
        assert p[0] < 0.2 and p[1] > 0.9 and covered[0] < 0.2 and min(covered[1], alone) > 0.9
        np.testing.assert_allclose(eigen.scores["random_logit"], 1, atol=1e-5)
        assert comparison.order("random_logit")[-1].method == "eigencam"
        assert (ev.curves["insertion"][0, 0] >= 0.5).argmax() / 10 == round(float(mine.scores["share_needed"][0, 0]), 2)
        assert "better than random maps" in mine.verdict(0, 0).lower()
    """,
    "methods": """
        look = {"sign": "positive", "clip": 100}
        heatmaps = [explainer.explain(scenes[i : i + 1], int(c)).heatmaps(**look)[0, 0] for i, c in pairs]
        assert all(truth[i, c].flat[h.argmax()] for h, (i, c) in zip(heatmaps, pairs))
        assert [e.method for e in w.results] == w.compare_with
        assert len(answers) == 33 and all(np.ptp(answer.maps) > 0 for answer in answers.values())
    """,
    "own_method": """
        np.testing.assert_allclose(everything.maps, gradcam.maps, rtol=1e-4, atol=1e-6)
        assert 0.5 < min(likeness) < 1
        np.testing.assert_array_equal(w.wait(600).maps, few.maps)
        assert explainer.explain(images[:1], method="pyramid").maps.shape == (1, 1, 128, 128)
    """,
    "own_model": """
        assert (model.predict(held_out, verbose=0).argmax(1) == truth).mean() >= 0.9
        assert before.scores[0, 0] != after.scores[0, 0]
        assert explainer.inspection.recommended == f"backbone/{layer}"
        np.testing.assert_array_equal(w.wait(600).scores, explainer.explain(held_out[:12], ["alive", "object"]).scores)
    """,
    "quickstart": """
        assert (answer.method, w.colormap, w.opacity) == ("gradcampp", "magma", 0.7)
        again = kx.explain(model, images, method="gradcampp", class_names=class_names)
        assert (answer.maps == again.maps).all() and answer.target_names == again.target_names
        peaks = [heatmap[0].argmax() for heatmap in e.heatmaps(sign="positive", clip=100)]
        assert all(masks[i][e.targets[i, 0]].flat[peak] for i, peak in enumerate(peaks))
    """,
    "segmentation": """
        assert said == ["background", "horse"]
        predicted = model.predict(scene[None], verbose=0)[0]
        assert [class_names[predicted[y, x].argmax()] for x, y in (cup, shuttle, horse)] == [
            "coffee cup", "space shuttle", "horse"
        ]
        assert truth[0, horse[1], horse[0]]
        strength = np.abs(e.maps[:, 0])
        assert strength[0][truth[class_names.index("coffee cup")]].sum() > 0.4 * strength[0].sum()
        assert strength[1][truth[class_names.index("space shuttle")]].sum() > 0.7 * strength[1].sum()
        assert strength[2][np.hypot(x - horse[0], y - horse[1]) < 16].sum() > 0.7 * strength[2].sum()
        shown = answers.heatmaps(size="input")[:, 0]
        inside = shown[:, 50:90, 88:].sum((1, 2)) / shown.sum((1, 2))
        assert inside[2] > 0.6 > inside[0]
    """,
    "training": """
        assert [moment["epoch"] for moment in follow.history] == [0, 1, 2, 3, 4, 5]
        assert follow.history[-1]["deletion"] < 0.6 * follow.history[1]["deletion"]
        assert np.isnan(follow.history[0]["srg"]) and follow.history[-1]["srg"] > follow.history[1]["srg"]
        assert part_on_object(before)[3] < 0.3 < part_on_object(w.result)[3]
        assert follow.notes == []
    """,
    "vision_transformers": """
        assert np.abs(gradient[0]).max() > 0 and not np.any(gradient[1:])
        assert np.array_equal(*rollouts[:2])
        heatmaps = explainer.explain(pictures, targets, method="attention_gradient").heatmaps(sign="positive", clip=100)
        peaks = heatmaps.reshape(*targets.shape, -1).argmax(-1)[..., None]
        assert np.take_along_axis(where.reshape(*targets.shape, -1), peaks, -1).mean() > 0.6
        assert not next(layer for layer in inspection.layers if layer.path == "norm").is_candidate
    """,
    "wrong_prediction": """
        assert seen[scene, phantom] and not labels[scene, phantom]
        assert scores[marked] < 0 < whole
        assert np.mean(scores <= scores[marked]) < 0.1
    """,
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_computes_what_it_tells(name):
    notebook = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.append(nbformat.v4.new_code_cell(textwrap.dedent(CHECKS[name])))
    # How slow a machine may be is no business of this test: outputs that come late are otherwise left out.
    NotebookClient(
        notebook,
        timeout=None,
        iopub_timeout=600,
        startup_timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr" and "Error" in o.text]
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)


def first_code_cell(name):
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    return "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_cell_installs_in_colab_only_what_is_published(name, monkeypatch):
    text = first_code_cell(name)
    assert text == first_code_cell("quickstart")
    if install.PUBLISHED:
        assert f"%pip install --quiet {install.PUBLISHED}" in text
        return
    assert "%pip install --" not in text
    exec(text)
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    exec(text)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"run `make build` in a clone .* upload the wheel"):
        exec(text)


def test_nobody_is_told_to_install_a_name_that_is_not_published(monkeypatch):
    """Whoever registers such a name owns the machines of those who follow the advice."""
    by_name = re.compile(r"""\binstall (--?\S+ )*["'\\]*kx[-_.]widget["'\[\s\\]""")
    assert all(
        by_name.search(f"pip install {name} ") for name in ("-q kx-widget", "'kx_widget[plot]'", '\\"kx-widget\\"')
    )
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    texts += [path for ending in ("*.md", "*.py") for path in (ROOT / "kx_widget").rglob(ending)]
    for path in texts:
        told = by_name.search(path.read_text(encoding="utf-8"))
        assert install.PUBLISHED or told is None, f"{path}: {told and told[0]}"
    monkeypatch.setattr(install, "PUBLISHED", "some-name")
    assert install.how_to_install("plot") == "pip install 'some-name[plot]'"


def test_an_own_method_takes_no_more_than_twenty_lines():
    text = "".join(json.loads((ROOT / "notebooks/own_method.ipynb").read_text(encoding="utf-8"))["cells"][4]["source"])
    assert "def fewcam" in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 20
