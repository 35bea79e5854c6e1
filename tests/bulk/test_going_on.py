"""A store goes on only with what it was begun with: the same code, the same files, the same kind of run."""

import json
import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.errors import FormatError
from tests.cases import photos


@pytest.fixture
def files(tmp_path):
    """Eight pictures, in parts of two."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / "photos" / f"{i}.png" for i in range(8)]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    return paths


def cut_off(path, part=3):
    """As a run that was killed before this part."""
    (path / "_done.json").unlink()
    (path / f"part-{part:06}.parquet").unlink()


def halved(batch):
    return batch / 2


def blackened(batch):
    return batch * 0 + 3


blackened.__name__ = "halved"


@pytest.mark.parametrize("ended", [True, False])
def test_another_preprocess_of_the_same_name_is_refused(model, files, tmp_path, ended):
    def explained(preprocess):
        return kx.Explainer(model, preprocess=preprocess).explain_to(tmp_path / "s", files, part_images=2)

    expected = explained(halved).maps(range(8))
    if not ended:
        cut_off(tmp_path / "s")
    with pytest.raises(FormatError, match="another preprocess code"):
        explained(blackened)
    assert_array_equal(explained(halved).maps(range(8)), expected)


def method(code, finish=None):
    return kx.Method("mine", "Mine", code, "Own", "layer", True, "instant", "Of a test.", "A test.", finish=finish)


def largest(probe, target):
    yield kx.Partial(probe.activations().max(-1))


def smallest(probe, target, by=1.0):
    yield kx.Partial(probe.activations().min(-1) * by)


@pytest.mark.parametrize("ended", [True, False])
def test_another_own_method_of_the_same_id_is_refused(model, files, tmp_path, ended):
    def explained(*own):
        x = kx.Explainer(model, methods=[method(*own)])
        return x.explain_to(tmp_path / "s", files, part_images=2, method="mine")

    expected = explained(largest).maps(range(8))
    if not ended:
        cut_off(tmp_path / "s")
    for other in ((smallest,), (largest, lambda maps: maps * 2)):
        with pytest.raises(FormatError, match="another method code"):
            explained(*other)
    assert_array_equal(explained(largest).maps(range(8)), expected)


def test_a_function_that_cannot_be_compared_is_refused_when_the_run_goes_on(model, files, tmp_path):
    rng = np.random.default_rng(0)

    def explained():
        x = kx.Explainer(model, preprocess=lambda batch: batch + rng.normal())
        return x.explain_to(tmp_path / "s", files, part_images=2)

    assert len(explained()) == 8
    with pytest.raises(FormatError, match=r"Nobody can tell whether preprocess still does .* .it uses a Generator"):
        explained()


def replaced(path):
    """Another picture under the same name."""
    Image.fromarray(np.full((12, 12, 3), 200, np.uint8)).save(path)
    os.utime(path, ns=(0, os.stat(path).st_mtime_ns + 1))


@pytest.mark.parametrize("ended", [True, False])
def test_only_parts_of_replaced_photographs_are_explained_anew(explainer, files, tmp_path, ended):
    path = tmp_path / "s"
    before = explainer.explain_to(path, files, [1], part_images=2).maps(range(8))
    times = {p.name: p.stat().st_mtime_ns for p in path.glob("part-*")}
    if not ended:
        cut_off(path)
    replaced(files[2])
    found = explainer.explain_to(path, files, [1], part_images=2)
    assert_array_equal(found.maps([2])[0], explainer.explain(files[2], [1]).maps[0, 0])
    assert not np.array_equal(found.maps([2]), before[2:3])
    assert_array_equal(found.maps([0, 1, 4, 5]), [before[i] for i in (0, 1, 4, 5)])
    written = {p.name for p in path.glob("part-*") if times[p.name] != p.stat().st_mtime_ns}
    assert written == {"part-000001.parquet", *(() if ended else ("part-000003.parquet",))}
    assert found.complete


def test_a_file_that_has_come_is_explained(explainer, files, tmp_path):
    hidden = files[5].rename(tmp_path / "hidden.png")
    assert len(explainer.explain_to(tmp_path / "s", files, part_images=2).skipped) == 1
    hidden.rename(files[5])
    found = explainer.explain_to(tmp_path / "s", files, part_images=2)
    assert (found.skipped, len(found.select())) == ([], 8)


def test_ids_mean_the_files_from_everywhere(explainer, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = explainer.explain_to("s", "photos", [1])
    assert kept.column("id").to_pylist() == [str(path) for path in files]
    assert explainer.explain_to(tmp_path / "s", tmp_path / "photos", [1]).path == str(tmp_path / "s")
    monkeypatch.chdir(tmp_path / "photos")
    assert kx.Store("../s").explanation(0).images.std() > 0


def as_on_a_cluster(path, ended):
    """Rewrite a store as one that Ray has filled, or begun to fill."""
    job = json.loads((path / "_job.json").read_text(encoding="utf-8")) | {"by": "ray"}
    (path / "_job.json").write_text(json.dumps(job), encoding="utf-8")
    parts = sorted(path.glob("part-*"))
    names = [part.rename(path / f"0_{i:06}_000000.parquet").name for i, part in enumerate(parts)]
    end = path / "_done.json"
    end.write_text(json.dumps({"images": 8, "files": names}), encoding="utf-8") if ended else end.unlink()


def test_a_run_in_one_process_leaves_what_a_cluster_has_begun(explainer, files, tmp_path):
    path = tmp_path / "s"
    explainer.explain_to(path, files, [1], part_images=2)
    as_on_a_cluster(path, ended=False)
    with pytest.raises(FormatError, match="holds answers of a run on a cluster that an older version began"):
        explainer.explain_to(path, files, [1], part_images=2)
    assert len(kx.Store(path)) == 8
    assert not [*path.glob("part-*")]


def test_what_a_cluster_has_finished_is_taken_and_nothing_beside_it(explainer, files, tmp_path):
    path = tmp_path / "s"
    explainer.explain_to(path, files, [1], part_images=2)
    as_on_a_cluster(path, ended=True)
    assert len(explainer.explain_to(path, files, [1], part_images=2)) == 8
    for name in ("part-000000.parquet", "0_000009_000000.parquet"):
        (path / name).write_bytes((path / "0_000000_000000.parquet").read_bytes())
        for opened in (kx.Store, lambda path: explainer.explain_to(path, files, [1], part_images=2)):
            with pytest.raises(FormatError, match=f"{name}' is no part of this store .the run that filled"):
                opened(path)
        (path / name).unlink()
    (path / "0_000000_000000.parquet").unlink()
    assert not kx.Store(path).complete


def as_before(path, source=None):
    """Rewrite a store as the version wrote it that knew neither ids of jobs nor stamps nor sums of pages."""
    job = json.loads((path / "_job.json").read_text(encoding="utf-8"))
    for key in ("id", "preprocess_code", "method_code"):
        job.pop(key, None)
    if source is not None:
        job["source"]["digest"] = source
    (path / "_job.json").write_text(json.dumps(job), encoding="utf-8")
    for part in path.glob("part-*"):
        table = pq.read_table(part)
        pq.write_table(table.replace_schema_metadata(), part)


@pytest.mark.parametrize("preprocess", ["auto", halved])
def test_a_store_of_the_version_before_is_read_and_taken(model, files, tmp_path, preprocess):
    path = tmp_path / "s"
    x = kx.Explainer(model, preprocess=preprocess)
    store = x.explain_to(path, files, part_images=2)
    rows, maps = store.rows(range(8)), store.maps(range(8))
    as_before(path)
    assert kx.Store(path).rows(range(8)) == rows
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    assert_array_equal(x.explain_to(path, files, part_images=2).maps(range(8)), maps)
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before

    cut_off(path)
    if preprocess == "auto":
        assert_array_equal(x.explain_to(path, files, part_images=2).maps(range(8)), maps)
        assert kx.Store(path).complete
        (path / "part-000009.parquet").write_bytes((path / "part-000000.parquet").read_bytes())
        with pytest.raises(FormatError, match=r"part-000009.parquet' is no part of this store .it has fewer parts"):
            kx.Store(path)
    else:
        with pytest.raises(FormatError, match="begun by a version that did not write down what preprocess does"):
            x.explain_to(path, files, part_images=2)


def test_a_run_with_relative_paths_of_the_version_before_goes_on_with_them(explainer, files, tmp_path, monkeypatch):
    import hashlib

    monkeypatch.chdir(tmp_path)
    explainer.explain_to("s", "photos", part_images=2)
    names = [f"photos/{path.name}" for path in files]
    as_before(tmp_path / "s", hashlib.sha256("\n".join(names).encode()).hexdigest())
    for i, part in enumerate(sorted((tmp_path / "s").glob("part-*"))):
        table = pq.read_table(part)
        pq.write_table(table.set_column(0, "id", [names[2 * i : 2 * i + 2]]), part)
    cut_off(tmp_path / "s")
    assert explainer.explain_to("s", "photos", part_images=2).column("id").to_pylist() == names


def test_a_preprocess_without_a_name_is_one_too(model, tmp_path):
    class Divided:
        def __call__(self, batch):
            return batch / 2

    for _ in range(2):
        kept = kx.Explainer(model, preprocess=Divided()).explain_to(tmp_path / "s", [photos(2)])
    assert kept.job["preprocess"] == "Divided"
