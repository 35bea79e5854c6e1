"""Images of any number of channels and bits: what reaches the model, what is shown, and a map of each band."""

import sys

import imagecodecs
import keras
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx

SHAPE = (8, 10, 4)


def rng(seed=0):
    return np.random.default_rng(seed)


def linear(shape=SHAPE, classes=2):
    """Scores Σ w x + b, and w (H, W, C, classes)."""
    image = keras.Input(shape)
    model = keras.Model(image, layers.Dense(classes)(layers.Flatten()(image)))
    weights = rng(1).normal(0, 0.01, (*shape, classes)).astype("f4")
    model.set_weights([weights.reshape(-1, classes), np.arange(classes)])
    return model, weights


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def deep():
    """Three images of 12 bits."""
    images = rng().integers(0, 4096, (3, *SHAPE)).astype(np.uint16)
    images[0, 0, 0] = 4095
    return images


class TestDepth:
    @pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, ">u2"])
    def test_scores_of_12_bits_are_those_of_floats(self, net, deep, dtype):
        floats = deep.astype(np.float64) * 255 / 4095
        want = net.predict(floats.astype("f4"), verbose=0)
        assert_allclose(kx.Explainer(net).predict(deep.astype(dtype))[0], want, atol=1e-4)

    def test_a_function_gets_the_full_depth(self, net, deep):
        explainer = kx.Explainer(net, preprocess=lambda x: x / 255)
        want = net.predict((deep / 4095).astype("f4"), verbose=0)
        assert_allclose(explainer.predict(deep)[0], want, atol=1e-6)

    def test_the_depth_is_said(self, net, deep):
        explainer = kx.Explainer(net)
        explainer.predict(deep)
        assert "16-bit images taken as 12 bit (0..4095)" in explainer.preprocessing

    def test_a_range_that_was_given(self, net, deep):
        for images in (deep, deep.astype("f4"), list(deep)):
            explainer = kx.Explainer(net, value_range=(100, 5000))
            want = net.predict(((deep.astype("f4") - 100) * (255 / 4900)), verbose=0)
            assert_allclose(explainer.predict(images)[0], want, atol=1e-4)
            assert "100 is taken as black and 5000 as white" in explainer.preprocessing

    def test_numbers_are_left_as_they_are_where_nothing_is_to_be_done(self, net, deep):
        explainer = kx.Explainer(net, preprocess=None, value_range=(0, 4095))
        assert_array_equal(explainer.load(deep).batch, deep.astype("f4"))
        assert_array_equal(explainer.load(deep).black, np.zeros((3, 4)))
        assert explainer.load(deep).pixels.max() == 255

    def test_bands_are_left_as_they_are_too(self, net, deep):
        explainer = kx.Explainer(net, preprocess=None)
        want = net.predict(deep.astype("f4"), verbose=0)
        assert_allclose(explainer.predict(deep)[0], want, rtol=1e-5)
        run = explainer.explain_dataset(list(deep), 0, batch_size=2)
        assert_allclose(np.concatenate([e.scores for e in run])[:, 0], want[:, 0], rtol=1e-5)

    @pytest.mark.parametrize("first", [layers.Rescaling(1 / 4095), layers.Normalization(mean=2000, variance=100.0)])
    def test_a_model_that_rescales_deep_numbers_gets_them(self, deep, tmp_path, first):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input(SHAPE), first, layers.Flatten(), layers.Dense(2)])
        explainer = kx.Explainer(model)
        want = model.predict(deep.astype("f4"), verbose=0)
        assert_allclose(explainer.predict(deep)[0], want, atol=1e-4)
        assert "the model rescales numbers beyond 8 bits itself" in explainer.preprocessing
        run = list(explainer.explain_dataset(list(deep), 0, method="gradient_x_input", batch_size=2))
        assert_allclose(np.concatenate([e.scores for e in run])[:, 0], want[:, 0], atol=1e-4)

    def test_resized_at_full_depth(self, net):
        """A ramp of 12 bits, four times as large, is a ramp between two neighbours of 8 bits."""
        ramp = np.linspace(1000, 1015, 40).round().astype(np.uint16)
        image = np.broadcast_to(ramp[None, :, None], (32, 40, 4)).copy()
        image[0, 0] = 4095
        batch = kx.Explainer(net).load([image]).batch[0]
        assert len(np.unique(batch[5, :, 0])) == 10
        assert_allclose(batch[5, 5, 0], image[20, 20:24, 0].mean() * 255 / 4095, atol=0.05)

    def test_depths_that_differ_in_one_list_are_refused(self, net, deep):
        with pytest.raises(kx.ImageError, match="several depths: image 0 holds deeper whole numbers, image 1 holds 8"):
            kx.Explainer(net).predict([deep[0], (deep[1] // 16).astype(np.uint8)])

    def test_a_data_set_in_a_range_that_was_given(self, net, deep):
        """Numbers beyond 16 bits, which no camera has, need one."""
        large, settings = deep.astype(np.int32) * 100, {"value_range": (0, 409500)}
        want = net.predict((deep.astype("f4") * (255 / 4095)), verbose=0)
        run = kx.Explainer(net, **settings).explain_dataset(list(large), 0, batch_size=2)
        assert_allclose(np.concatenate([e.scores for e in run])[:, 0], want[:, 0], atol=1e-4)


class TestShown:
    def test_three_bands_are_shown(self, net):
        images = rng().integers(0, 256, (2, *SHAPE), np.uint8)
        loaded = kx.Explainer(net, rgb=(3, 2, 1)).load(images)
        assert_array_equal(loaded.pixels, images[..., [3, 2, 1]])
        assert_array_equal(loaded.original(1), images[1][..., [3, 2, 1]])
        assert_array_equal(loaded.batch, images)
        assert loaded.described.endswith("; bands 3, 2, 1 of 4 are shown as red, green and blue")

    def test_one_band_is_shown_in_grey_or_in_colours(self, net):
        from cmap import Colormap

        images = rng().integers(0, 256, (2, *SHAPE), np.uint8)
        grey = kx.Explainer(net, rgb=3).load(images).pixels
        assert_array_equal(grey, images[..., [3, 3, 3]])
        colours = kx.Explainer(net, rgb=(3, "viridis")).load(images).pixels
        table = np.asarray(Colormap("viridis").lut(256)[:, :3] * 255 + 0.5, np.uint8)
        assert_array_equal(colours, table[images[..., 3]])

    def test_dark_bands_are_brought_out(self, net):
        """Reflectances up to 1000 of 16383 would be nearly black."""
        dark = rng().integers(0, 1000, (1, *SHAPE)).astype(np.uint16)
        dark[0, 0, 0, 3] = 9000
        loaded = kx.Explainer(net).load(dark)
        low, high = np.percentile(dark[0, ..., :3], (2, 98))
        assert_allclose(loaded.pixels[0], ((dark[0, ..., :3] - low) / (high - low)).clip(0, 1) * 255, atol=0.51)
        assert "from the 2nd to the 98th percentile" in loaded.described

    def test_bands_of_a_colour_model(self):
        model, _ = linear((8, 8, 3))
        images = rng().integers(0, 256, (2, 8, 8, 3), np.uint8)
        assert_array_equal(kx.Explainer(model, rgb=(2, 1, 0)).load(images).pixels, images[..., ::-1])

    @pytest.mark.parametrize("channels", [1, 2, 3, 5, 13])
    def test_any_number_of_bands(self, channels):
        model, weights = linear((6, 7, channels))
        images = rng().random((2, 6, 7, channels)).astype("f4")
        e = kx.explain(model, images, 0, method="gradients", channels="sum")
        assert_allclose(e.maps[:, 0], np.broadcast_to(weights[..., 0].sum(-1), (2, 6, 7)), atol=1e-6)
        assert e.overlay().shape == (2, 1, 6, 7, 3)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"rgb": (4, 1, 0)}, "there is no band 4, the model has bands 0 to 3"),
            ({"rgb": (0, 1)}, r"rgb=\(0, 1\) are no bands. Pass three bands"),
            ({"rgb": "red"}, "rgb='red' are no bands"),
            ({"rgb": (True, 1, 2)}, "are no bands"),
            ({"rgb": (1, "nope")}, "colormap='nope' is not known"),
            ({"value_range": (5, 5)}, r"value_range=\(5, 5\) is no range"),
            ({"value_range": 4095}, "value_range=4095 is no range"),
        ],
    )
    def test_what_is_no_band_or_range_is_refused(self, net, settings, said):
        with pytest.raises((kx.ImageError, kx.ParameterError), match=said):
            kx.Explainer(net, **settings)


class TestBroken:
    def test_a_band_that_is_no_number_is_named(self, net):
        images = rng().random((2, *SHAPE)).astype("f4")
        images[1, 2, 3:5, 3] = np.nan
        with pytest.raises(kx.ImageError, match=r"image 1: 2 of 320 values are NaN, .* float32, all in band 3"):
            kx.Explainer(net).predict(images)

    def test_another_number_of_bands(self, net):
        with pytest.raises(kx.ImageError, match=r"3 channels in shape \(8, 10, 3\), where 4 are needed"):
            kx.Explainer(net).predict(np.zeros((8, 10, 3), np.uint8))
        with pytest.raises(kx.ImageError, match=r"where 4 are needed; put the channels last with np.moveaxis"):
            kx.Explainer(net).predict([np.zeros((4, 8, 10), np.uint8)])


class TestEach:
    """One map a band."""

    def test_of_a_linear_model_in_closed_form(self):
        model, weights = linear()
        images = rng().normal(size=(3, *SHAPE)).astype("f4")
        explainer = kx.Explainer(model)
        for method, want in (
            ("gradients", np.broadcast_to(weights[..., 1], images.shape)),
            ("gradient_x_input", weights[..., 1] * images),
            ("integrated_gradients", weights[..., 1] * images),
        ):
            e = explainer.explain(images, 1, method=method, channels="each")
            assert e.target_names[0] == tuple(f"class 1 · band {band}" for band in range(4))
            assert_allclose(e.maps, np.moveaxis(want, -1, 1), atol=1e-5, err_msg=method)
            assert e.signed

    def test_integrated_gradients_add_up(self, net):
        images = rng().random((2, *SHAPE)).astype("f4")
        e = kx.explain(net, images, [0, kx.contrast(1, 2)], method="integrated_gradients", channels="each", steps=64)
        scores, black = (net.predict(x, verbose=0) for x in (images, np.zeros_like(images)))
        change = scores - black
        want = np.stack([change[:, 0], change[:, 1] - change[:, 2]], 1)
        assert_allclose(e.maps.reshape(2, 2, -1).sum(-1), want, rtol=0.01)

    def test_wrappers_and_steps(self, net):
        images = rng().random((2, *SHAPE)).astype("f4")
        explainer = kx.Explainer(net)
        settings = {"method": "gradient_x_input", "smooth": {"repetitions": 3}, "tta": True}
        each = explainer.explain(images, ["top", 1], channels="each", **settings)
        whole = explainer.explain(images, ["top", 1], **settings)
        assert_allclose(each.maps.reshape(2, 2, 4, 8, 10).sum(2), whole.maps, atol=1e-6)
        *_, last = explainer.stream(images, ["top", 1], channels="each", **settings)
        assert_array_equal(last.maps, each.maps)

    def test_no_map_is_made_anew_for_another_band(self, net):
        explainer = kx.Explainer(net)
        explainer.explain(rng().random((2, *SHAPE)).astype("f4"), "top", method="gradients", channels="each")
        assert explainer.counts["input_gradient"] == 1

    def test_kept_and_evaluated(self, net, tmp_path):
        images = rng().random((2, *SHAPE)).astype("f4")
        explainer = kx.Explainer(net)
        e = explainer.explain(images, kx.contrast(0, 1), method="integrated_gradients", channels="each")
        e.save(tmp_path / "e.npz")
        assert_array_equal(kx.Explanation.load(tmp_path / "e.npz").maps, e.maps)
        v = explainer.evaluate(e, images=images)
        assert v.scores["srg"].shape == (2, 4)
        assert np.isfinite(v.scores["srg"]).all()

    def test_classes_of_each_image(self, net):
        images = rng().random((2, *SHAPE)).astype("f4")
        e = kx.explain(net, images, np.array([[0, 2], [1, 1]]), method="gradients", channels="each")
        assert_array_equal(e.targets, [[0] * 4 + [2] * 4, [1] * 8])
        tensor = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            score = net(tensor)[1, 1]
        assert_allclose(e.maps[1, 4:], np.moveaxis(tape.gradient(score, tensor)[1].numpy(), -1, 0), atol=1e-6)


class TestFiles:
    def test_arrays_and_tiffs_of_bands(self, net, deep, tmp_path):
        np.save(tmp_path / "0.npy", deep[0])
        tifffile.imwrite(tmp_path / "1.tif", deep[1], photometric="minisblack", planarconfig="contig")
        planes = np.moveaxis(deep[2], -1, 0)
        tifffile.imwrite(tmp_path / "2.tif", planes, photometric="minisblack", planarconfig="separate")
        paths = [tmp_path / name for name in ("0.npy", "1.tif", "2.tif")]
        explainer = kx.Explainer(net)
        assert_array_equal(explainer.load(paths).batch, explainer.load(deep).batch)
        assert explainer.load(paths).original(0).shape == (8, 10, 3)
        run = list(explainer.explain_dataset([str(path) for path in paths], 0, batch_size=2))
        whole = explainer.explain(deep, 0)
        assert_allclose(np.concatenate([e.maps for e in run]), whole.maps, atol=1e-6)

    def test_colours_of_16_bits_are_not_made_8(self, tmp_path):
        model, _ = linear((8, 8, 3))
        deep = rng().integers(0, 65536, (8, 8, 3)).astype(np.uint16)
        deep[0, 0] = 65535
        tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
        assert_allclose(kx.Explainer(model).load(tmp_path / "deep.tif").batch[0], deep / 65535 * 255, atol=1e-4)

    def test_a_png_of_16_bits_is_not_made_8(self, tmp_path):
        model, _ = linear((8, 8, 3))
        deep = rng().integers(0, 65536, (8, 8, 4)).astype(np.uint16)
        deep[0, 0] = 65535
        (tmp_path / "colours.png").write_bytes(imagecodecs.png_encode(deep[..., :3].copy()))
        (tmp_path / "opaque.png").write_bytes(imagecodecs.png_encode(deep))
        explainer = kx.Explainer(model)
        batch = explainer.load([tmp_path / "colours.png", (tmp_path / "opaque.png").read_bytes()]).batch
        assert_allclose(batch[0], deep[..., :3] / 65535 * 255, atol=1e-4)
        opacity = deep[..., 3:] / 65535
        assert_allclose(batch[1], 255 * (deep[..., :3] / 65535 * opacity + 1 - opacity), atol=0.01)
        four, _ = linear((8, 8, 4))
        assert_allclose(kx.Explainer(four).load(tmp_path / "opaque.png").batch[0], deep / 65535 * 255, atol=1e-4)
        run = list(explainer.explain_dataset([str(tmp_path / "colours.png")], 0, method="gradient_x_input"))
        assert_allclose(run[0].maps, explainer.explain(tmp_path / "colours.png", 0, method="gradient_x_input").maps)

    def test_a_png_of_16_bits_that_becomes_8_is_told(self, tmp_path, monkeypatch):
        model, _ = linear((8, 8, 3))
        deep = rng().integers(0, 65536, (8, 8, 3)).astype(np.uint16)
        (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
        with pytest.warns(RuntimeWarning, match="16 bits a colour, of which Pillow reads 8"):
            batch = kx.Explainer(model).load(tmp_path / "deep.png").batch
        assert_array_equal(batch[0], deep >> 8)

    def test_a_damaged_png_of_16_bits(self, tmp_path):
        model, _ = linear((8, 8, 3))
        data = imagecodecs.png_encode(rng().integers(0, 65536, (8, 8, 3)).astype(np.uint16))
        (tmp_path / "half.png").write_bytes(data[: len(data) // 2])
        with pytest.raises(kx.ImageError, match=r"half.png: cannot be read as an image"):
            kx.Explainer(model).load(tmp_path / "half.png")

    def test_a_compressed_tiff_of_bands(self, net, deep, tmp_path):
        tifffile.imwrite(
            tmp_path / "lzw.tif", deep[0], photometric="minisblack", planarconfig="contig", compression="lzw"
        )
        explainer = kx.Explainer(net)
        assert_array_equal(explainer.load(tmp_path / "lzw.tif").batch, explainer.load(deep[:1]).batch)

    def test_four_channels_of_a_picture(self, net, tmp_path):
        pixels = rng().integers(0, 256, SHAPE, np.uint8)
        Image.fromarray(pixels, "RGBA").save(tmp_path / "p.png")
        assert_array_equal(kx.Explainer(net).load(tmp_path / "p.png").batch[0], pixels)

    def test_a_folder_of_arrays(self, net, deep, tmp_path):
        for i, image in enumerate(deep):
            np.save(tmp_path / f"{i}.npy", image)
        explainer = kx.Explainer(net)
        assert_array_equal(explainer.load(tmp_path).batch, explainer.load(deep).batch)

    def test_dicom_in_its_own_unit(self, tmp_path):
        import pydicom

        stored = rng().integers(0, 4096, (8, 8)).astype(np.uint16)
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = pydicom.uid.CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = pydicom.uid.generate_uid()
        dataset.Rows = dataset.Columns = 8
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelData = stored.tobytes()
        dataset.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
        model, _ = linear((8, 8, 1))
        batch = kx.Explainer(model).load(tmp_path / "ct.dcm").batch
        assert_array_equal(batch[0, ..., 0], stored.astype("f4") - 1024)

    @pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
    def test_nifti(self, net, tmp_path, ending):
        import nibabel

        image = rng().normal(size=SHAPE).astype("f4")
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), tmp_path / f"scan{ending}")
        assert_array_equal(kx.Explainer(net).load(tmp_path / f"scan{ending}").batch[0], image)

    @pytest.mark.parametrize(
        ("name", "library"), [("a.dcm", "pydicom"), ("a.nii.gz", "nibabel"), ("a.tif", "tifffile")]
    )
    def test_a_library_that_is_not_there_is_named(self, net, tmp_path, monkeypatch, name, library):
        tifffile.imwrite(tmp_path / "a.tif", np.zeros(SHAPE, np.uint16), photometric="minisblack")
        for other in ("a.dcm", "a.nii.gz"):
            (tmp_path / other).write_bytes(b"")
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(kx.ImageError, match=f"needs {library}, which is not installed: pip install {library}"):
            kx.Explainer(net).load(tmp_path / name)

    def test_what_cannot_be_read(self, net, tmp_path):
        (tmp_path / "broken.npy").write_bytes(b"no array")
        np.save(tmp_path / "film.npy", np.zeros((2, 3, *SHAPE), np.uint8))
        np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
        said = r"(?s)3 of 3 images.*broken.npy: cannot be read.*film.npy: holds an array.*objects.npy: cannot be read"
        with pytest.raises(kx.ImageError, match=said):
            kx.Explainer(net).load(sorted(tmp_path.iterdir()))


def test_a_store_begun_with_another_range_is_not_gone_on_with(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    images = rng().integers(0, 256, (3, 8, 8, 1), np.uint8)
    kx.Explainer(model, value_range=(0, 300)).explain_to(tmp_path / "store", list(images), 0)
    with pytest.raises(kx.FormatError, match=r"holds answers to another question .*bands"):
        kx.Explainer(model).explain_to(tmp_path / "store", list(images), 0)


class TestChannelsFirst:
    """A model with channels first is explained as its twin with channels last."""

    @staticmethod
    def twin(order):
        first = order == "channels_first"
        image = keras.Input((3, 16, 24) if first else (16, 24, 3))
        x = layers.Conv2D(4, 3, activation="relu", padding="same", data_format=order)(image)
        x = before = layers.MaxPooling2D(2, data_format=order)(layers.BatchNormalization(axis=1 if first else -1)(x))
        x = layers.ReLU(name="gate")(layers.Conv2D(4, 3, padding="same", data_format=order)(x))
        x = layers.GlobalAveragePooling2D(data_format=order)(layers.Add(name="sum")([x, before]))
        return keras.Model(image, layers.Dense(3)(x))

    @pytest.fixture(scope="class")
    @staticmethod
    def twins():
        keras.utils.set_random_seed(2)
        last, first = TestChannelsFirst.twin("channels_last"), TestChannelsFirst.twin("channels_first")
        first.set_weights(last.get_weights())
        return kx.Explainer(last), kx.Explainer(first)

    @pytest.fixture(scope="class")
    @staticmethod
    def images():
        return rng().integers(0, 256, (2, 16, 24, 3), np.uint8)

    def test_scores_are_those_of_keras(self, twins, images):
        want = twins[1].model.predict(np.moveaxis(images, -1, 1).astype("f4"), verbose=0)
        assert_allclose(twins[1].predict(images)[0], want, atol=1e-4)

    def test_the_same_layers(self, twins):
        last, first = (explainer.inspection for explainer in twins)
        assert [layer.shape for layer in first.layers] == [layer.shape for layer in last.layers]
        assert first.recommended == "sum"
        assert first.why == last.why

    def test_gradcam_by_hand(self, twins, images):
        model = twins[1].model
        both = keras.Model(model.input, [model.get_layer("gate").output, model.output])
        with tf.GradientTape() as tape:
            a, y = both(np.moveaxis(images, -1, 1).astype("f4"))
            score = tf.reduce_sum(y[:, 1])
        g = tape.gradient(score, a).numpy()
        want = (a.numpy() * g.mean((2, 3), keepdims=True)).sum(1)
        assert_allclose(twins[1].explain(images, 1, layer="gate").maps[:, 0], want, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("method", [m.id for m in kx.METHODS.values() if m.sees != "attention"])
    def test_every_method(self, twins, images, method):
        settings = {"masks": 20} if method == "rise" else {}
        last, first = (x.explain(images, [0, "top"], method=method, **settings).maps for x in twins)
        assert np.ptp(first) > 0
        assert_allclose(first, last, rtol=1e-4, atol=1e-5 * np.abs(last).max())

    @pytest.mark.parametrize("head", ["softmax", "sigmoid", None])
    def test_a_segmenter(self, images, head):
        """Where a class wins, its mean probability there and its map are those of the twin, and of Keras."""

        def net(order):
            first = order == "channels_first"
            image = keras.Input((3, 16, 24) if first else (16, 24, 3))
            x = layers.Conv2D(4, 3, activation="relu", padding="same", data_format=order)(
                layers.Rescaling(1 / 255)(image)
            )
            x = layers.Conv2D(6, 3, 2, activation="relu", padding="same", data_format=order, name="coarse")(x)
            x = layers.Conv2D(5, 1, data_format=order)(layers.UpSampling2D(2, data_format=order)(x))
            heads = {"softmax": layers.Softmax(axis=1 if first else -1), "sigmoid": layers.Activation("sigmoid")}
            return keras.Model(image, heads[head](x) if head else x)

        keras.utils.set_random_seed(5)
        last, first = net("channels_last"), net("channels_first")
        first.set_weights(last.get_weights())
        explainers = kx.Explainer(last), kx.Explainer(first)
        assert explainers[1].inspection.head == explainers[0].inspection.head
        y = np.moveaxis(first.predict(np.moveaxis(images, -1, 1).astype("f4"), verbose=0), 1, -1)
        wins = (y.argmax(-1) == 2) & ((head != "sigmoid") | (y.max(-1) > 0.5))
        assert_allclose(explainers[1].predict(images)[0][:, 2], wins.mean((1, 2)), atol=1e-6)
        answers = [explainer.explain(images, 2, layer="coarse", region="whole") for explainer in explainers]
        assert_allclose(answers[1].maps, answers[0].maps, rtol=1e-4, atol=1e-7)
        told = answers[1].probabilities if head else answers[1].scores
        assert_allclose(told[:, 0], y[..., 2].mean((1, 2)), atol=1e-5)
