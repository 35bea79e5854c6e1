"""The families of keras.applications are known by their layers, whatever anybody calls a model."""

import keras
import pytest
from keras import layers

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.families import family_of
from kx_widget.engine.imagenet import names as imagenet
from kx_widget.engine.preprocessing import Preprocessing

pytestmark = pytest.mark.slow

SHAPE = (96, 96, 3)
FAMILIES = {
    "ConvNeXtTiny": "convnext",
    "ConvNeXtSmall": "convnext",
    "DenseNet121": "densenet",
    "DenseNet169": "densenet",
    "DenseNet201": "densenet",
    "EfficientNetB0": "efficientnet",
    "EfficientNetB3": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "EfficientNetV2S": "efficientnet_v2",
    "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Large": "mobilenet_v3",
    "MobileNetV3Small": "mobilenet_v3",
    "NASNetMobile": "nasnet",
    "ResNet50": "resnet",
    "ResNet101": "resnet",
    "ResNet50V2": "resnet_v2",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}
OF_ONES_OWN = (
    *("resnet18", "ResNet34", "resnet50", "resnet18_1", "resnet50v2", "vgg16", "vgg19", "xception", "densenet7"),
    *("densenet121", "nasnet_ours", "mobilenet_ours", "mobilenetv2_x", "mobilenetv3small", "inception_v3"),
    *("inception_resnet_v2", "efficientnetb0", "efficientnetv2-b0", "convnext_tiny"),
)


def build(name, **keywords):
    return getattr(keras.applications, name)(
        **{"weights": None, "include_top": False, "input_shape": SHAPE, **keywords}
    )


def own(name):
    return keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(4, 3, name="conv1_conv"), layers.GlobalAveragePooling2D(), layers.Dense(3)],
        name=name,
    )


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_every_family_is_known_whatever_it_is_called(name, family):
    model = build(name)
    model.name = "mine"
    assert family_of(model) == family
    nested = keras.Sequential([keras.Input(SHAPE), model, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    assert family_of(nested) == family
    flat = keras.Model(model.input, layers.Dense(3)(layers.GlobalAveragePooling2D()(model.output)))
    assert family_of(flat) == family


def test_widths_sizes_cuts_and_heads():
    assert family_of(build("MobileNetV2", alpha=0.35, input_shape=(32, 48, 3))) == "mobilenet_v2"
    assert family_of(build("MobileNet", alpha=0.25)) == "mobilenet"
    assert family_of(build("MobileNetV3Small", minimalistic=True, include_preprocessing=False)) == "mobilenet_v3"
    whole = build("ResNet50", input_shape=(None, None, 3))
    assert family_of(whole) == "resnet"
    assert family_of(keras.Model(whole.input, whole.get_layer("conv3_block4_out").output)) == "resnet"


def test_saved_and_loaded(tmp_path):
    keras.Sequential([build("MobileNetV2", alpha=0.35), layers.GlobalAveragePooling2D()]).save(tmp_path / "m.keras")
    assert family_of(keras.models.load_model(tmp_path / "m.keras")) == "mobilenet_v2"


@pytest.mark.parametrize("name", OF_ONES_OWN)
def test_models_of_ones_own_are_not_known_by_their_name(name):
    assert family_of(own(name)) is None
    assert family_of(keras.Sequential([keras.Input(SHAPE), own(name), layers.Dense(2)])) is None


def test_keras_hubs_twins_expect_other_numbers():
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.VGGBackbone([2, 2, 3], [64, 128, 256], image_shape=SHAPE)
    assert family_of(backbone) is None
    assert family_of(keras.Sequential([keras.Input(SHAPE), backbone])) is None


def test_own_models_get_numbers_as_they_are():
    explainer = Explainer(own("resnet18"))
    batch = explainer.load(keras.ops.ones((1, *SHAPE)).numpy() * 200).batch
    assert (batch == 200).all()
    assert "none, 0..255 passed on" in explainer.preprocessing


def test_a_family_built_without_its_preprocessing_says_so():
    model = build("MobileNetV3Small", include_preprocessing=False)
    rules = Preprocessing(model, "auto")
    _, text = rules.apply([keras.ops.ones(SHAPE).numpy()], [True], "0..255", SHAPE)
    assert "keras.applications.mobilenet_v3 was built without the preprocessing that belongs to it" in text


def test_a_thousand_classes_are_imagenets_in_a_family_only():
    assert Explainer(build("MobileNetV2", alpha=0.35, include_top=True)).class_names == tuple(imagenet())
    nobody = keras.Sequential([keras.Input(SHAPE), layers.GlobalAveragePooling2D(), layers.Dense(1000)], name="vgg16")
    assert Explainer(nobody).class_names[0] == "class 0"
