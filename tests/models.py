"""Tiny models whose answers are known on paper."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

SIDE = 12
CLASSES = 4


def pooled(activation: str | None = "softmax", bias: bool = True) -> keras.Model:
    """Convolutions, average pooling, one Dense: the head for which CAM, Grad-CAM and HiResCAM agree."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="early", use_bias=bias)(x)
    x = layers.Conv2D(5, 3, strides=2, activation="relu", name="late", use_bias=bias)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(CLASSES, activation=activation, name="scores", use_bias=bias, bias_initializer="ones")(x)
    return keras.Model(image, x, name="pooled")


def pointwise() -> keras.Model:
    """A pooled linear head written as dropout, a 1×1 convolution and a reshape, as MobileNet has it."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Conv2D(CLASSES, 1)(x)
    return keras.Model(image, layers.Softmax()(layers.Reshape((CLASSES,))(x)), name="pointwise")


def flattened() -> keras.Model:
    """A head that CAM cannot explain: flatten, hidden Dense."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, strides=2, activation="relu", name="late")(x)
    x = layers.Dense(7, activation="tanh")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x), name="flattened")


def residual() -> keras.Model:
    """A skip connection, so that a cut inside the block has a frontier; batch norm; ReLU after the add."""
    x = image = keras.Input((SIDE, SIDE, 3))
    skip = x = layers.Conv2D(5, 3, padding="same", activation="relu", name="stem")(x)
    x = layers.Conv2D(5, 3, padding="same", name="branch")(x)
    x = layers.BatchNormalization(beta_initializer="ones", name="norm")(x)
    x = layers.ReLU(name="inside")(x)
    x = layers.Conv2D(5, 3, padding="same", name="branch_end")(x)
    x = layers.ReLU(name="after_add")(layers.Add(name="add")([x, skip]))
    x = layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="residual")


def nested() -> keras.Model:
    """A backbone with its own pooling inside a Sequential: the shape of transfer learning."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    backbone = keras.Model(image, layers.GlobalAveragePooling2D()(x), name="backbone")
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), backbone, layers.Dense(CLASSES, activation="softmax")])


class Subclassed(keras.Model):
    """A model that is only code."""

    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.late = layers.Conv2D(5, 3, activation="relu", name="late")
        self.scores = layers.Dense(CLASSES, name="scores")

    def call(self, x):
        return keras.ops.softmax(self.scores(keras.ops.mean(self.late(x), axis=(1, 2))))


def subclassed() -> keras.Model:
    model = Subclassed()
    model(keras.ops.zeros((1, SIDE, SIDE, 3)))
    return model


def single_unit() -> keras.Model:
    """One sigmoid unit: two classes."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="single_unit")


def two_outputs() -> keras.Model:
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = layers.GlobalAveragePooling2D()(x)
    kind = layers.Dense(CLASSES, activation="softmax", name="kind")(x)
    size = layers.Dense(2, activation="softmax", name="size")(x)
    return keras.Model(image, [kind, size], name="two_outputs")


def gray() -> keras.Model:
    """One channel, not square."""
    x = image = keras.Input((SIDE, 2 * SIDE, 1))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="gray")


def bands() -> keras.Model:
    """Four channels, as satellites have them."""
    x = image = keras.Input((SIDE, SIDE, 4))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="bands")


def tower(side: int) -> keras.Model:
    """What both pictures of a pair go through: six numbers of each, that the model on top compares."""
    image = keras.Input((side, side, 3))
    x = layers.Conv2D(4, 3, activation="relu", bias_initializer="random_normal", name="conv")(image)
    return keras.Model(image, layers.Dense(6)(layers.GlobalAveragePooling2D()(x)), name="tower")


def tokens(class_token: bool = True) -> keras.Model:
    """Patches as tokens, attention between them, with or without a class token."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Reshape((16, 8), name="grid")(layers.Conv2D(8, 3, strides=3, name="patches")(x))
    if class_token:
        first = layers.Lambda(
            lambda t: keras.ops.concatenate([keras.ops.mean(t, 1, keepdims=True), t], 1), name="joined"
        )
        x = first(x)
    x = layers.Add(name="block")([x, layers.MultiHeadAttention(2, 4, name="attention")(x, x)])
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(image, layers.Dense(CLASSES)(x), name="tokens")


def flat() -> keras.Model:
    """No layer with a map."""
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Dense(7, activation="relu")(layers.Flatten()(image))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x), name="flat")


class PrefixTokens(layers.Layer):
    """Learned tokens before or after those of the patches, and a learned place for each of all."""

    def __init__(self, count: int = 1, after: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.count, self.after = count, after

    def build(self, shape) -> None:
        normal = keras.initializers.RandomNormal(stddev=1)
        self.tokens = self.add_weight(shape=(1, self.count, shape[-1]), initializer=normal, name="tokens")
        self.places = self.add_weight(shape=(1, shape[1] + self.count, shape[-1]), initializer=normal, name="places")

    def call(self, x):
        tokens = keras.ops.repeat(self.tokens, keras.ops.shape(x)[0], axis=0)
        return keras.ops.concatenate([x, tokens] if self.after else [tokens, x], axis=1) + self.places


class Block(layers.Layer):
    """A transformer block of the usual kind, norms first."""

    def __init__(self, heads: int, width: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.norm1, self.norm2 = layers.LayerNormalization(name="norm1"), layers.LayerNormalization(name="norm2")
        self.attention = layers.MultiHeadAttention(heads, width // heads, name="attention")
        self.wide = layers.Dense(2 * width, activation="gelu", name="wide")
        self.narrow = layers.Dense(width, name="narrow")

    def call(self, x):
        y = self.norm1(x)
        x = x + self.attention(y, y)
        return x + self.narrow(self.wide(self.norm2(x)))


def transformer(
    read: str = "token",
    prefix: int = 1,
    after: bool = False,
    blocks: int = 3,
    width: int = 8,
    activation: str | None = None,
) -> keras.Model:
    """A vision transformer of 4 × 4 patches; the head reads the first prefix token, or the mean of all tokens."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(width, 3, strides=3, name="patches")(x)
    x = layers.Reshape((16, width))(x)
    x = PrefixTokens(prefix, after, name="prefix")(x) if prefix else x
    for i in range(blocks):
        x = Block(2, width, name=f"block{i}")(x)
    x = layers.LayerNormalization(name="norm")(x)
    x = x[:, 16 * after] if read == "token" else layers.GlobalAveragePooling1D(name="mean")(x)
    return keras.Model(image, layers.Dense(CLASSES, activation, name="scores")(x), name="transformer")


def gated(sizes: list[int], most: float = math.inf) -> keras.Model:
    """The residual model on a device with memory for `most` images, which tells how many were sent through it.

    A gate before the model and one before its head note what passes them, from inside the graph.
    """

    def enter(count):
        sizes.append(int(count))
        if count > most:
            raise MemoryError("OOM when allocating")
        return np.float32(0)

    def gate(x):
        return x + tf.ensure_shape(tf.numpy_function(enter, [tf.shape(x)[0]], tf.float32), ())

    inside = residual()
    image = keras.Input((SIDE, SIDE, 3))
    body = keras.Model(inside.inputs, inside.get_layer("after_add").output, name="body")
    x = layers.Lambda(gate, output_shape=body.output.shape[1:], name="gate_before_head")(
        body(layers.Lambda(gate, output_shape=(SIDE, SIDE, 3), name="gate")(image))
    )
    x = inside.layers[-1](layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="gated")
