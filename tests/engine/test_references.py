"""Embeddings compared with references: closed forms, and what CLIP and SigLIP of keras-hub tell themselves."""

import keras
import numpy as np
import pytest
from keras import layers

import kx_widget as kx
from tests.dual_encoders import clip, clip_preprocessor, metaclip, numbered, siglip

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 8, 8, 3)).astype("float32")
VECTORS = RNG.normal(size=(4, 5)).astype("float32")
NAMES = ["ant", "bee", "cat", "dog"]


@pytest.fixture(scope="module")
def linear():
    """Pixels times a matrix (192, 5), which is the embedding."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Dense(5, use_bias=False, name="embedding")(layers.Flatten()(image)))


@pytest.fixture(scope="module")
def net():
    """A small net with a layer to explain."""
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3))
    # Without biases a picture that is half as bright has the same direction.
    x = layers.Conv2D(6, 3, activation="relu", bias_initializer="random_normal", name="conv")(image)
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def embedded(model, images=IMAGES):
    return images.reshape(len(images), -1) @ model.layers[-1].kernel.numpy()


def explainer(model, references=VECTORS, **about):
    return kx.Explainer(model, preprocess=None, references=kx.similar_to(references, **about))


def by_hand(model, reference):
    """The gradient of the cosine with respect to the pixels, (q − (z·q) z) / |z| for z and q of length 1."""
    z = embedded(model)
    length, z = np.linalg.norm(z, axis=-1, keepdims=True), unit(z)
    inner = (unit(reference) - (z @ unit(reference))[:, None] * z) / length
    return (inner @ model.layers[-1].kernel.numpy().T).reshape(IMAGES.shape)


def test_scores_are_cosines_or_dot_products(linear):
    z = embedded(linear)
    cosines, shares = explainer(linear).predict(IMAGES)
    np.testing.assert_allclose(cosines, unit(z) @ unit(VECTORS).T, atol=1e-6)
    assert np.isnan(shares).all()
    np.testing.assert_allclose(explainer(linear, measure="dot").predict(IMAGES)[0], z @ VECTORS.T, atol=1e-5)


def test_the_gradient_of_a_cosine_is_that_of_paper(linear):
    e = explainer(linear, names=NAMES).explain(IMAGES, ["bee", "dog"], method="gradients", channels="each")
    for columns, reference in ((slice(0, 3), 1), (slice(3, 6), 3)):
        maps = e.maps[:, columns].transpose(0, 2, 3, 1)
        np.testing.assert_allclose(maps, by_hand(linear, VECTORS[reference]), atol=1e-6)


def test_the_gradient_of_a_dot_product_is_the_reference_in_pixels(linear):
    e = explainer(linear, measure="dot").explain(IMAGES, 2, method="gradients", channels="each")
    pixels = (linear.layers[-1].kernel.numpy() @ VECTORS[2]).reshape(8, 8, 3)
    np.testing.assert_allclose(e.maps[1].transpose(1, 2, 0), pixels, atol=1e-6)


def test_why_more_like_one_than_like_another_is_a_contrast(linear):
    e = explainer(linear, names=NAMES).explain(IMAGES, kx.contrast("ant", "cat"), method="gradients", channels="each")
    difference = by_hand(linear, VECTORS[0]) - by_hand(linear, VECTORS[2])
    np.testing.assert_allclose(e.maps.transpose(0, 2, 3, 1), difference, atol=1e-6)
    assert e.target_names[0][0] == "ant − cat · band 0"


def test_names_similarities_and_ranks_are_those_of_classes(linear):
    x = explainer(linear, names=NAMES)
    assert x.class_names == tuple(NAMES)
    e = x.explain(IMAGES, ["top", "top-2"], method="gradients")
    cosines = unit(embedded(linear)) @ unit(VECTORS).T
    assert (e.targets == np.argsort(-cosines, 1)[:, :2]).all()
    assert e.caption(0, 0) == f"{NAMES[cosines[0].argmax()]} · {cosines[0].max():.2f} similarity".replace("-", "−")
    assert "%" not in e._repr_html_().split("<table>")[1]
    assert explainer(linear, measure="dot").explain(IMAGES, 0, method="gradients").caption(0, 0).endswith("dot product")


def test_references_as_images_are_embedded_by_the_model(linear):
    others = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
    x = explainer(linear, others)
    np.testing.assert_allclose(
        x.predict(IMAGES)[0], unit(embedded(linear)) @ unit(embedded(linear, others)).T, atol=1e-6
    )
    assert x.class_names == ("reference 0", "reference 1")
    assert x.preprocessing.startswith("preprocess: none")


def test_reference_images_from_files_are_preprocessed_and_named_as_images_are(tmp_path, net):
    from PIL import Image

    photos = RNG.integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    for name, photo in zip(("left", "right"), photos, strict=True):
        Image.fromarray(photo).save(tmp_path / f"{name}.png")

    def halved(pixels):
        return pixels / 128 - 1

    x = kx.Explainer(
        net, preprocess=halved, references=kx.similar_to([str(tmp_path / "left.png"), str(tmp_path / "right.png")])
    )
    z = unit(np.asarray(net(halved(photos.astype("float32")))))
    np.testing.assert_allclose(x.predict(photos)[0], z @ z.T, atol=1e-5)
    assert x.class_names == ("left", "right")


def test_an_image_and_itself_have_a_gradient_of_rounding_errors(net):
    images = RNG.normal(size=(2, 16, 16, 3)).astype("float32")
    x = explainer(net, images, names=["one", "other"])
    e = x.explain(images, ["one", "other"])
    flat = "Flat: the image and {!r} are as similar as can be"
    assert e.notes_of(0, 0)[0].startswith(flat.format("one"))
    assert e.notes_of(1, 1)[0].startswith(flat.format("other"))
    assert not any("as similar as can be" in note for at in ((0, 1), (1, 0)) for note in e.notes_of(*at))
    # Along the way from a picture of nothing, there is something to tell.
    path = x.explain(images, "one", method="integrated_gradients")
    assert not any("as similar as can be" in note for note in path.notes_of(0, 0))


def test_pairs_are_labels(linear):
    """Why are these two alike: the reference of image i is i, and retrieval is right where that is the nearest."""
    others = IMAGES + 0.1 * RNG.normal(size=IMAGES.shape).astype("float32")
    x = explainer(linear, others)
    pairs = np.arange(3)[:, None]
    e = x.explain(IMAGES, pairs, method="gradients", channels="each")
    cosines = (unit(embedded(linear)) * unit(embedded(linear, others))).sum(-1)
    np.testing.assert_allclose(e.scores[:, 0], cosines, atol=1e-6)
    of_labels = x.explain(IMAGES, "true", labels=[0, 1, 2], method="gradients", channels="each")
    np.testing.assert_array_equal(e.maps, of_labels.maps)


def test_references_follow_the_weights(net):
    images = RNG.normal(size=(2, 16, 16, 3)).astype("float32")
    x = explainer(net, images)
    before = x.predict(images)[0]
    kernel = net.layers[-1].kernel
    old = kernel.numpy()
    try:
        kernel.assign(old * np.array([9, 1, -5, 1, 0.1], np.float32))
        z = unit(np.asarray(net(images)))
        np.testing.assert_allclose(x.predict(images)[0], z @ z.T, atol=1e-5)
        assert abs(before - z @ z.T).max() > 1e-4
    finally:
        kernel.assign(old)


def test_another_reference_takes_no_pass_through_what_is_before_the_layer(net):
    images = RNG.normal(size=(2, 16, 16, 3)).astype("float32")
    x = explainer(net)
    for reference in range(3):
        x.explain(images, reference, layer="conv")
    before = x.counts
    x.explain(images, 3, layer="conv")
    after = x.counts
    assert after["head"] == before["head"] + 1
    assert {name for name in after if after[name] != before[name]} <= {"head", "cache hits", "cache misses"}


def test_methods_that_cover_and_evaluations_take_similarities(net):
    images = RNG.uniform(0, 255, (2, 16, 16, 3)).astype("uint8")
    x = explainer(net, names=["a", "b", "c", "d"])
    masks = np.zeros((1, 16, 16))
    masks[:, :8] = 1
    scores, _ = x.what_if(images, masks, cover="black")
    covered = images.astype("float32")
    covered[:, :8] = 0
    np.testing.assert_allclose(scores[:, 0], unit(np.asarray(net(covered))) @ unit(VECTORS).T, atol=1e-5)


@pytest.fixture(scope="module")
def photos():
    return RNG.integers(0, 256, (3, 40, 32, 3)).astype(np.uint8)


def test_prompts_of_clip_score_as_in_keras_hub(photos):
    model, preprocessor, texts = clip(), clip_preprocessor(), ["a cat", "a dog", "coin of a dog"]
    x = kx.Explainer(model, references=kx.similar_to(texts=texts, tokenizer=preprocessor))
    pairs = preprocessor({"prompts": texts, "images": photos.astype("float32")})
    logits = np.asarray(model({"images": pairs["images"], "token_ids": pairs["token_ids"]})["vision_logits"])
    scores, shares = x.predict(photos)
    np.testing.assert_allclose(scores, logits, atol=1e-5)
    np.testing.assert_allclose(shares, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), atol=1e-5)
    assert x.class_names == tuple(texts)
    assert "CLIPImageConverter: resized to 32 × 32 (bilinear), cropped" in x.preprocessing
    e = x.explain(photos, ["top", kx.contrast("a cat", "a dog")], method=None)
    assert (np.ptp(e.maps, (2, 3)) > 0).all()
    assert not any("text_encoder" in info.path for info in x.inspection.layers)


def test_clip_takes_its_own_preprocessor_and_cosines(photos):
    model = clip()
    model.preprocessor = clip_preprocessor()
    logits, _ = kx.Explainer(model, references=kx.similar_to(texts="a cat")).predict(photos)
    cosines, shares = kx.Explainer(model, references=kx.similar_to(texts="a cat", measure="cosine")).predict(photos)
    np.testing.assert_allclose(cosines * np.exp(model.clip_head.logit_scale.numpy()), logits, rtol=1e-4)
    assert np.isnan(shares).all()


def test_a_function_that_makes_tokens_has_no_part_in_images():
    model, texts = siglip(), ["a cat", "photo of a coin"]
    images = RNG.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    x = kx.Explainer(model, references=kx.similar_to(texts=texts, tokenizer=numbered))
    logits = np.asarray(model({"images": images.astype("float32"), "token_ids": numbered(texts)})["vision_logits"])
    np.testing.assert_allclose(x.predict(images)[0], logits, rtol=1e-4, atol=1e-4)
    assert x.preprocessing.startswith("preprocess: none")


def test_siglip_tells_of_each_prompt_by_itself():
    model, texts = siglip(), ["a cat", "photo of a coin"]
    images = RNG.normal(size=(2, 32, 32, 3)).astype("float32")
    x = kx.Explainer(model, preprocess=None, references=kx.similar_to(texts=texts, tokenizer=numbered))
    logits = np.asarray(model({"images": images, "token_ids": numbered(texts)})["vision_logits"])
    scores, shares = x.predict(images)
    np.testing.assert_allclose(scores, logits, atol=1e-5)
    np.testing.assert_allclose(shares, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_metaclip_is_one_of_these():
    # Its text is read at the token of number 2, which is "photo".
    model, texts = metaclip(), ["a cat photo", "coin of a dog photo"]
    images = RNG.normal(size=(2, 32, 32, 3)).astype("float32")
    x = kx.Explainer(model, preprocess=None, references=kx.similar_to(texts=texts, tokenizer=numbered))
    logits = np.asarray(model({"images": images, "token_ids": numbered(texts)})["vision_logits"])
    assert np.ptp(logits, 1).min() > 1e-3
    np.testing.assert_allclose(x.predict(images)[0], logits, atol=1e-5)
    assert (np.ptp(x.explain(images, method=None).maps, (2, 3)) > 0).all()


def test_references_of_a_model_of_several_inputs_come_with_these():
    keras.utils.set_random_seed(5)
    image, age = keras.Input((8, 8, 3), name="image"), keras.Input((1,), name="age")
    z = layers.Dense(4)(layers.Concatenate()([layers.Flatten()(image), age]))
    model = keras.Model({"image": image, "age": age}, z)
    asked = {"image": IMAGES, "age": np.array([1.0, 2, 3])}
    similar = {"image": IMAGES[:2], "age": np.array([9.0, 8])}
    x = explainer(model, similar)
    of = [unit(np.asarray(model({"image": i["image"], "age": i["age"][:, None]}))) for i in (asked, similar)]
    np.testing.assert_allclose(x.predict(asked)[0], of[0] @ of[1].T, atol=1e-5)


@pytest.mark.parametrize(
    ("references", "about", "message"),
    [
        (VECTORS[:, :3], {}, r"have 3 numbers each, and the model's embedding has 5"),
        (np.zeros((1, 5)), {}, r"Reference 0 is 0 everywhere"),
        ([[1, 2, 3, 4, 5], [1, 2, np.nan, 4, 5]], {}, r"Reference 1 is NaN"),
        ([[1, 2], [1, 2, 3]], {}, r"vectors of \[2, 3\] numbers"),
        (VECTORS, {"names": ["a"]}, r"There are 1 names for 4 references"),
        (IMAGES, {"names": ["a"]}, r"There are 1 names for 3 references"),
        (VECTORS, {"names": "abcd"}, r"must be a list of names"),
        (VECTORS, {"measure": "cosinus"}, r"no measure 'cosinus'. Did you mean 'cosine'"),
        (np.zeros((0, 5)), {}, r"There are no references"),
        (None, {}, r"takes vectors or images, or texts="),
        (VECTORS, {"texts": ["a cat"]}, r"pass one of them"),
        (None, {"texts": ["a cat", " "]}, r"none of which is empty"),
    ],
)
def test_what_is_no_reference_is_refused(linear, references, about, message):
    with pytest.raises(kx.ParameterError, match=message):
        explainer(linear, references, **about)


def test_what_a_model_has_not_got_is_said(linear):
    with pytest.raises(kx.ModelError, match=r"has no text encoder .*kx\.similar_to\(vectors, names=texts\)"):
        explainer(linear, None, texts=["a cat"])
    with pytest.raises(kx.ModelError, match=r'pass measure="cosine"'):
        explainer(linear, measure="logits")
    with pytest.raises(kx.ParameterError, match=r"takes what kx\.similar_to\(…\) returns, not ndarray"):
        kx.Explainer(linear, references=VECTORS)
    with pytest.raises(kx.ParameterError, match=r"not class_names="):
        kx.Explainer(linear, references=kx.similar_to(VECTORS), class_names=NAMES)
    with pytest.raises(kx.ParameterError, match=r"references= and detect= both"):
        kx.Explainer(linear, references=kx.similar_to(VECTORS), detect=lambda y: y)
    places = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(5, 3)])
    with pytest.raises(kx.ModelError, match=r"\(None, 6, 6, 5\); an embedding of shape \(batch, dimensions\)"):
        explainer(places)
    with pytest.raises(kx.ModelError, match=r"compares images with texts: pass references="):
        kx.Explainer(clip())
    with pytest.raises(kx.ParameterError, match=r"tokenizer=preprocessor"):
        kx.Explainer(clip(), references=kx.similar_to(texts=["a cat"]))
