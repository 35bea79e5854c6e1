"""A callback that explains a model while it is trained: what it shows, writes and says, and what it leaves alone."""

import logging
import threading
from dataclasses import replace

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
import tensorflow as tf

import kx_widget as kx
from kx_widget.widget.epoch_history import EpochAnswer, EpochHistory, thinned
from kx_widget.widget.explain_callback import MAPS
from kx_widget.widget.image_summaries import ImageSummaries
from kx_widget.widget.session import Session
from kx_widget.widget.training_budget import TrainingBudget
from kx_widget.widget.training_gate import TrainingGate
from tests import cases, models
from tests.widget.decode import decode
from tests.widget.page import PATIENCE, rest, until
from tests.widget.saved import split

SHOWN, BATCHES = 3, 4
ALL = {"share": 1, "preprocess": None}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (16 * BATCHES, models.SIDE, models.SIDE, 3)).astype(np.float32)
    return x, np.eye(models.CLASSES, dtype=np.float32)[rng.integers(0, models.CLASSES, len(x))]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = models.residual()
    model.compile(keras.optimizers.SGD(1e-3), "categorical_crossentropy")
    return model


@pytest.fixture
def shown(data):
    return data[0][:SHOWN].astype(np.uint8)


def fit(model, data, callback, epochs=3, **keywords):
    return model.fit(*data, batch_size=16, epochs=epochs, verbose=0, callbacks=[callback], **keywords)


def session_of(callback):
    return callback.widget._session


class Snapshots(keras.callbacks.Callback):
    """Keeps the weights of each epoch; before it is explained."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_begin(self, logs=None):
        self.weights.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def test_each_epoch_is_explained_with_its_own_weights_and_nothing_is_traced_again(model, data, shown):
    snapshots = Snapshots()
    callback = kx.ExplainCallback(shown, evaluate=(), **ALL)
    model.fit(*data, batch_size=16, epochs=1, verbose=0, callbacks=[snapshots, callback])
    explainer = callback.widget.explainer
    traces = {name: n for name, n in explainer.counts.items() if name.startswith("trace")}
    fit(model, data, callback, epochs=2)
    assert {name: n for name, n in explainer.counts.items() if name.startswith("trace")} == traces
    answers = session_of(callback).training.history.answers
    assert [answer.words for answer in answers.values()] == ["Before training", "Epoch 1", "Epoch 2", "Epoch 3"]
    for number, weights in enumerate(snapshots.weights):
        twin = models.residual()
        twin.set_weights(weights)
        expected = kx.explain(twin, shown, method="gradcam", layer=answers[number].asked["layer"], preprocess=None)
        np.testing.assert_allclose(maps_of(answers[number]), expected.maps, rtol=1e-3, atol=1e-5)
        figure = answers[number].figures[0]
        np.testing.assert_allclose(figure["values"], expected.probabilities, rtol=1e-3)
    np.testing.assert_allclose(callback.widget.result.maps, maps_of(answers[3]), rtol=1e-5)


def maps_of(answer):
    return np.stack([decode(item, answer.data) for item in answer.items])[:, None]


def test_training_ends_with_the_same_weights_as_without(model, data, shown):
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.SGD(1e-3), "categorical_crossentropy")
    keras.utils.set_random_seed(1)
    twin.fit(*data, batch_size=16, epochs=2, verbose=0)
    keras.utils.set_random_seed(1)
    fit(model, data, kx.ExplainCallback(shown, **ALL), epochs=2, validation_data=data)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_activations_of_older_weights_are_let_go(model, data, shown):
    callback = kx.ExplainCallback(shown, evaluate=(), **ALL)
    fit(model, data, callback, epochs=1)
    cache = callback.widget.explainer._cache
    before = cache.bytes
    fit(model, data, callback, epochs=4)
    assert 0 < cache.bytes <= before


def test_fit_called_again_goes_on_counting(model, data, shown):
    callback = kx.ExplainCallback(shown, evaluate=(), **ALL)
    fit(model, data, callback, epochs=2)
    fit(model, data, callback, epochs=1)
    fit(model, data, callback, initial_epoch=3, epochs=5)
    assert [each["epoch"] for each in callback.history] == [0, 1, 2, 3, 4, 5]
    later = kx.ExplainCallback(shown, evaluate=(), **ALL)
    fit(model, data, later, initial_epoch=20, epochs=21)
    assert [each["epoch"] for each in later.history] == [0, 21]


def test_after_batches_and_in_the_end(model, data, shown):
    callback = kx.ExplainCallback(shown, 3, evaluate=(), **ALL)
    fit(model, data, callback, epochs=2)
    words = [answer.words for answer in session_of(callback).training.history.answers.values()]
    # Eight batches in all: after the third and the sixth, which is the second of its epoch, and in the end.
    assert words == ["Before training", "Epoch 1, batch 3", "Epoch 2, batch 2", "Epoch 2"]
    assert [each["epoch"] for each in callback.history] == [0, 0.75, 1.5, 2]


def test_metrics_are_those_of_evaluate(model, data, shown):
    callback = kx.ExplainCallback(shown, evaluate=("sparseness", "deletion"), **ALL)
    fit(model, data, callback, epochs=1)
    explainer = kx.Explainer(model, preprocess=None)
    expected = explainer.evaluate(explainer.explain(shown), ["sparseness", "deletion"], controls=0)
    for name in ("sparseness", "deletion"):
        mean = np.nanmean(expected.scores[name]) if np.isfinite(expected.scores[name]).any() else np.nan
        np.testing.assert_allclose(callback.history[-1][name], mean, rtol=1e-3)
    assert np.isfinite(callback.history[-1]["sparseness"])
    figures = session_of(callback).training.history.answers[1].figures
    told = [(each["name"], each["title"], each["better"]) for each in figures]
    assert told == [
        ("probability", "Probability", ""),
        ("sparseness", "Sparseness", "higher"),
        ("deletion", "Deletion", "lower"),
    ]


def test_a_widget_that_is_there_follows_and_its_page_is_told(browser, model, data, shown):
    widget = browser.open(kx.KxWidget(model, shown, preprocess=None, target="class 2"))
    browser.wait(widget)
    callback = kx.ExplainCallback(widget, evaluate=(), share=1)
    fit(model, data, callback, epochs=2)
    assert callback.widget is widget
    until(lambda: told(browser)[-1:] == [2] and not epochs(browser)[-1]["training"])
    assert told(browser) == [0, 1, 2]
    assert epochs(browser)[-1]["kept"] == [0, 1, 2]
    items = [message["items"][0] for message in epochs(browser) if message["items"]]
    assert {item["target_name"] for record in items for item in record["items"]} == {"class 2"}
    # A page that is opened later is told all of it.
    browser.messages.clear()
    browser.open(widget)
    until(lambda: told(browser) == [0, 1, 2])
    widget.close()


def test_an_epoch_is_recorded_where_a_page_asks_something_else_as_its_answer_comes(model, data, shown, monkeypatch):
    callback, moment, targets = kx.ExplainCallback(shown, evaluate=(), **ALL), Session.moment, ["class 2", "class 0"]

    def ask_meanwhile(session, *arguments):
        if targets:
            callback.widget.target = targets.pop()
        return moment(session, *arguments)

    monkeypatch.setattr(Session, "moment", ask_meanwhile)
    fit(model, data, callback, epochs=1)
    assert targets == []
    assert len(callback.widget._session.training.history.answers) == 2


def test_a_page_that_opens_after_it_is_told_each_moment_once(browser, model, data, shown):
    callback = kx.ExplainCallback(shown, evaluate=(), **ALL)
    fit(model, data, callback)
    callback.widget.wait(PATIENCE)
    browser.open(callback.widget)
    browser.wait(callback.widget)
    rest(callback.widget)
    numbers = [item["number"] for message in epochs(browser) for item in message["items"]]
    assert numbers == list(callback.widget._session.training.history.answers)


def epochs(browser):
    return [message for message in browser.messages if message["kind"] == "epochs"]


def told(browser):
    return [record["number"] for message in epochs(browser) for record in message["items"]]


def test_another_question_of_the_page_is_answered_between_batches_and_followed(browser, model, data, shown):
    widget = browser.open(kx.KxWidget(model, shown, preprocess=None))
    browser.wait(widget)
    batches = []

    class Ask(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)
            if len(batches) == 2:
                # As a page asks: in another thread, which does not wait.
                thread = threading.Thread(target=lambda: setattr(widget, "method", "gradients"))
                thread.start()
                thread.join()
                # The worker stands before the model, which is let go between batches.
                until(lambda: session_of(callback).training.gate._waiting)
            if len(batches) == 4:
                assert widget.status == "done"
                assert {result.method for result in widget.results} == {"gradients"}

    callback = kx.ExplainCallback(widget, evaluate=(), share=1)
    model.fit(*data, batch_size=16, epochs=2, verbose=0, callbacks=[callback, Ask()])
    methods = [a.columns[0]["method"] for a in session_of(callback).training.history.answers.values()]
    assert methods == ["gradcam", "gradients", "gradients"]
    widget.close()


def test_what_goes_wrong_is_said_once_and_training_goes_on(model, data, shown, caplog):
    callback = kx.ExplainCallback(shown, layer="nowhere", **ALL)
    assert len(fit(model, data, callback).history["loss"]) == 3
    assert callback.widget is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "nowhere" in record.getMessage()
    assert callback.notes == [record.getMessage().removeprefix("ExplainCallback: ")]


def test_an_error_of_an_epoch_is_in_the_widget_and_the_next_one_is_explained(model, data, shown, caplog, monkeypatch):
    callback = kx.ExplainCallback(shown, evaluate=("deletion",), model=model, **ALL)
    evaluate, calls = callback.widget.explainer.evaluate, []

    def fail(*arguments, **keywords):
        calls.append(1)
        if len(calls) in (2, 3):
            raise OSError("out of paper")
        return evaluate(*arguments, **keywords)

    monkeypatch.setattr(callback.widget.explainer, "evaluate", fail)
    fit(model, data, callback, epochs=4)
    assert len(calls) == 5
    assert [each["epoch"] for each in callback.history] == [0, 1, 2, 3, 4]
    assert ["deletion" in each for each in callback.history] == [True, False, False, True, True]
    assert callback.notes == ["OSError: out of paper. Training goes on."]
    assert len(caplog.records) == 1


def test_another_model_and_a_closed_widget_are_left_alone(model, data, shown, caplog):
    callback = kx.ExplainCallback(shown, evaluate=(), model=models.residual(), **ALL)
    fit(model, data, callback, epochs=1)
    assert "another model" in callback.notes[0]
    assert callback.history == []
    follower = kx.ExplainCallback(shown, evaluate=(), model=model, **ALL)
    follower.widget.close()
    fit(model, data, follower, epochs=1)
    assert "closed" in follower.notes[0]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"every": 0}, "every=0 is outside its range 1 or more"),
        ({"every": "batch"}, "every='batch' must be a whole number"),
        ({"share": 0}, "share=0 is outside its range"),
        ({"share": "some"}, "share='some' must be a number"),
        ({"evaluate": ["srgg"]}, "srg"),
        ({"evaluate": 3}, "metrics=3 must be a list"),
        ({"log_dir": 3}, "3 is not a path"),
        ({"store": 3}, "3 is not a path"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(shown, keywords, words):
    with pytest.raises(kx.KxError, match=words):
        kx.ExplainCallback(shown, **keywords)


def test_a_closed_widget_and_another_model_of_several_are_refused_in_words(model, data, shown):
    widget = kx.KxWidget(model, shown, preprocess=None)
    widget.close()
    with pytest.raises(kx.KxError, match="closed"):
        kx.ExplainCallback(widget)
    with kx.KxWidget({"before": models.residual(), "after": model}, shown, preprocess=None) as several:
        callback = kx.ExplainCallback(several, evaluate=(), share=1)
        fit(model, data, callback, epochs=1)
        assert "'before'" in callback.notes[0]


def test_a_store_that_is_there_and_keywords_of_a_widget_that_is_there_are_refused(model, shown, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(kx.FormatError, match="holds something already"):
        kx.ExplainCallback(shown, store=tmp_path)
    with pytest.raises(kx.ParameterError, match="log_dir"):
        kx.ExplainCallback(shown, log_dir=tmp_path / "file")
    with kx.KxWidget(model, shown, preprocess=None) as widget, pytest.raises(kx.ParameterError, match="method"):
        kx.ExplainCallback(widget, method="gradcam")


def events(folder):
    for path in sorted(folder.iterdir()):
        for data in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(data)
            yield from ((event.step, value) for value in event.summary.value)


def test_tensorboard_is_given_overlays_and_means(model, data, shown, tmp_path):
    callback = kx.ExplainCallback(shown, evaluate=("sparseness",), log_dir=tmp_path, **ALL)
    fit(model, data, callback, epochs=2)
    images, scalars = {}, {}
    for step, value in events(tmp_path / "explanations"):
        kind, content = value.metadata.plugin_data.plugin_name, tf.make_ndarray(value.tensor)
        (images if kind == "images" else scalars).setdefault(value.tag, {})[step] = content
    layer = callback.widget.layer
    assert list(images) == [f"image {i}/gradcam {layer}" for i in range(SHOWN)]
    assert all(list(steps) == [0, 1, 2] for steps in images.values())
    width, height, png = images[f"image 1/gradcam {layer}"][2]
    picture = tf.io.decode_png(png).numpy()
    assert picture.shape == (int(height), int(width), 3)
    np.testing.assert_array_equal(picture, callback.widget.result.pictures()[1, 0])
    for name in ("probability", "sparseness"):
        written = scalars[f"explanations/{name}"]
        np.testing.assert_allclose([written[step] for step in range(3)], [e[name] for e in callback.history], rtol=1e-5)


def test_a_store_has_a_row_for_each_image_and_epoch(model, data, shown, tmp_path):
    callback = kx.ExplainCallback(shown, store=tmp_path / "s", evaluate=(), labels=[0, None, 2], **ALL)
    fit(model, data, callback, epochs=2)
    store = kx.Store(tmp_path / "s")
    assert len(store) == 3 * SHOWN
    assert store.complete
    rows = store.rows(store.select(pc.field("epoch") == 2))
    assert [row["label"] for row in rows] == [0, None, 2]
    result = callback.widget.result
    np.testing.assert_array_equal(
        [row["predicted"] for row in rows], model.predict(data[0][:SHOWN], verbose=0).argmax(1)
    )
    np.testing.assert_array_equal(np.stack(store.maps(store.select(pc.field("epoch") == 2))), result.maps[:, 0])
    # Another call goes on; those of another question are not mixed in, which is said.
    fit(model, data, callback, epochs=1)
    callback.widget.method = "gradients"
    fit(model, data, callback, epochs=1)
    store = kx.Store(tmp_path / "s")
    assert store.complete
    assert set(store.column("epoch").to_pylist()) == {0, 1, 2, 3}
    assert any("the question that it began with" in note for note in callback.notes)
    with kx.KxWidget.from_store(tmp_path / "s", where=pc.field("epoch") == 3) as widget:
        assert widget.wait().maps.shape == (1, 1, *result.maps.shape[2:])


def test_saved_pages_and_notebooks_keep_the_epochs(model, data, shown, tmp_path):
    callback = kx.ExplainCallback(shown, evaluate=(), **ALL)
    fit(model, data, callback, epochs=2)
    for block in (callback.widget._snapshot, callback.widget._exporter._block(10**6)):
        header, _ = split(block)
        assert [record["words"] for record in header["epochs"]] == ["Before training", "Epoch 1", "Epoch 2"]
        assert all(len(record["items"]) == SHOWN and record["part"][1] > 0 for record in header["epochs"])


def test_mixed_precision_is_followed(data, shown):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = models.residual()
        model.compile("sgd", "categorical_crossentropy")
        callback = kx.ExplainCallback(shown, **ALL)
        fit(model, data, callback, epochs=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert [each["epoch"] for each in callback.history] == [0, 1]
    assert callback.notes == []


class TestBudget:
    def test_what_costs_too_much_waits_until_enough_is_saved(self):
        budget = TrainingBudget(0.1)
        done = []
        for _ in range(10):
            budget.earn(10)
            done.append(budget.can_afford(MAPS))
            if done[-1]:
                budget.spend(MAPS, 3)
        # The first time nobody knows what it costs.
        assert done == [True, False, False, False, False, True, False, False, True, False]
        assert budget.spent <= 0.1 * budget.trained
        assert budget.every(MAPS, 10) == 3

    def test_what_is_cheap_is_always_done(self):
        budget = TrainingBudget(0.03)
        for _ in range(20):
            budget.earn(10)
            assert budget.can_afford(MAPS)
            budget.spend(MAPS, 0.2)
        assert budget.every(MAPS, 10) == 1

    def test_one_slow_time_is_not_the_rule(self):
        budget = TrainingBudget(0.03)
        for seconds in (0.1, 0.1, 5, 0.1, 0.1):
            budget.spend(MAPS, seconds)
        assert budget.cost(MAPS) == 0.1


def test_less_often_is_said(model, data, shown, monkeypatch):
    callback = kx.ExplainCallback(shown, evaluate=(), share=1e-6, preprocess=None)
    fit(model, data, callback, epochs=4)
    (note,) = callback.notes
    assert note.startswith("Maps are made about every ")
    assert "share=1e-06 leaves" in note
    # The first one tells what it costs, and the last one is the model that is left.
    assert [each["epoch"] for each in callback.history] == [0, 1, 4]


class TestHistory:
    def test_the_older_the_fewer(self):
        assert thinned(dict.fromkeys(range(9), 1), 9) == []
        left = set(range(9)) - set(thinned(dict.fromkeys(range(9), 1), 5))
        assert left == {0, 2, 4, 6, 8}
        assert set(range(9)) - set(thinned(dict.fromkeys(range(9), 1), 7)) == {0, 2, 4, 5, 6, 7, 8}
        assert thinned({3: 10}, 5) == [3]

    def test_memory_is_bounded_and_numbers_stay(self):
        history = EpochHistory(limit=1000)
        for number in range(50):
            history.add(EpochAnswer(number, number, f"Epoch {number}", {}, [], data=bytes(100)))
        assert len(history.kept) == 10
        assert {0, 49} <= set(history.kept)
        assert list(history.answers) == list(range(50))
        assert history.notes["memory"].startswith("Maps of 10 of 50 moments are kept")
        assert [len(answer.data) for answer in history.within(300) if answer.data] == [100] * 3


class TestGate:
    def test_others_wait_until_they_are_let_in(self):
        gate, order = TrainingGate(), []
        gate.begin()

        def explain():
            with gate.passed(lambda: False) as may_pass:
                order.append(may_pass)

        thread = threading.Thread(target=explain)
        thread.start()
        until(lambda: gate._waiting)
        assert order == []
        assert gate.let_in()
        assert order == [True]
        assert not gate.let_in()
        thread.join()
        gate.end()

    def test_who_is_not_wanted_any_more_leaves(self):
        gate, stale = TrainingGate(), threading.Event()
        gate.begin()
        left = []

        def explain():
            with gate.passed(stale.is_set) as may_pass:
                left.append(may_pass)

        thread = threading.Thread(target=explain)
        thread.start()
        stale.set()
        thread.join(10)
        assert left == [False]
        gate.end()

    def test_a_notebook_keeps_the_epochs_of_a_fit_that_was_interrupted_out_of_sight(self, browser, model, data, shown):
        class Interrupt(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise KeyboardInterrupt

        with kx.KxWidget(model, shown, preprocess=None) as widget:
            browser.open(widget)
            browser.wait(widget)
            browser.say(widget, "seen", view="view", visible=False)
            with pytest.raises(KeyboardInterrupt):
                model.fit(*data, verbose=0, callbacks=[kx.ExplainCallback(widget, evaluate=(), share=1), Interrupt()])
            widget._after_cell()
            header, _ = split(widget._snapshot)
            assert [each["words"] for each in header["epochs"]] == ["Before training", "Epoch 1"]

    def test_a_fit_of_another_thread_goes_on_after_a_cell_and_is_over_with_the_thread(self, model, shown):
        with kx.KxWidget(model, shown, preprocess=None) as widget:
            widget.wait()
            gate, is_begun, may_end = widget._session.training.gate, threading.Event(), threading.Event()

            def train():
                gate.begin()
                is_begun.set()
                may_end.wait()

            thread = threading.Thread(target=train)
            thread.start()
            is_begun.wait()
            widget._after_cell()
            assert gate.is_training
            may_end.set()
            thread.join()
            widget._after_cell()
            assert not gate.is_training

    def test_a_fit_that_was_interrupted_keeps_nobody_out(self, model, data, shown):
        class Interrupt(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                raise KeyboardInterrupt

        callback = kx.ExplainCallback(shown, evaluate=(), model=model, **ALL)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data, verbose=0, callbacks=[callback, Interrupt()])
        callback.widget.refresh()
        assert callback.widget.wait().maps.shape[0] == SHOWN
        callback.widget._after_cell()
        assert not session_of(callback).training.gate.is_training


def test_a_training_makes_who_has_the_model_leave_soon():
    gate, is_inside, leave = TrainingGate(), threading.Event(), threading.Event()

    def hold():
        with gate.passed(lambda: False):
            is_inside.set()
            assert leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_inside.wait(60)
    gate.begin(leave.set)
    assert gate.is_training
    holder.join()
    gate.end()


def test_each_picture_of_an_epoch_has_a_tag_of_its_own(tmp_path):
    explanation = kx.explain(models.residual(), cases.photos(), ["top", "top-2"])
    summaries = ImageSummaries(tmp_path)
    summaries.write([replace(explanation, model="a"), replace(explanation, model="b")], [], 1)
    summaries.flush()
    tags = [value.tag for _, value in events(summaries.path)]
    assert len(tags) == len(set(tags)) == 2 * 2 * len(cases.photos())
