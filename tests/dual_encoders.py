"""Nets with an encoder for images and one for texts, small and with random weights, and what makes tokens of texts."""

from typing import Any

import keras
import keras_hub
import keras_hub.models as hub
import numpy as np

WORDS = ("a", "photo", "of", "cat", "dog", "coin")
TOKENS = 8


def encoders(kind: str) -> dict[str, Any]:
    """The two encoders of a net of keras-hub, for pictures of 32 pixels and `WORDS` of letters."""
    block = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
    size = {"vocabulary_size": 64, "embedding_dim": 16, "max_sequence_length": TOKENS}
    sees, reads = getattr(hub, f"{kind}VisionEncoder"), getattr(hub, f"{kind}TextEncoder")
    return {
        "vision_encoder": sees(patch_size=8, image_shape=(32, 32, 3), **block),
        "text_encoder": reads(**size, **block),
    }


def projected(kind: str, seed: int) -> Any:
    """A net of keras-hub that projects what both encoders make into one space."""
    keras.utils.set_random_seed(seed)
    model = getattr(hub, f"{kind}Backbone")(**encoders(kind), projection_dim=12)
    # All words alike would give all prompts one embedding.
    model.text_encoder.embedding.token_embedding.embeddings.assign(
        np.random.default_rng(seed).normal(size=(64, 16)).astype("float32")
    )
    return model


def clip() -> Any:
    return projected("CLIP", 1)


def metaclip() -> Any:
    return projected("MetaCLIP2", 3)


def siglip() -> Any:
    keras.utils.set_random_seed(2)
    return hub.SigLIPBackbone(**encoders("SigLIP"))


def clip_preprocessor() -> Any:
    """CLIP's own, with a vocabulary of `WORDS`, which letters are merged to."""
    vocabulary = {"<|startoftext|>": 1, "<|endoftext|>": 2}
    merges: list[str] = []
    for word in WORDS:
        *first, last = word
        parts = [*first, f"{last}</w>"]
        for part in parts:
            vocabulary.setdefault(part, len(vocabulary) + 1)
        while len(parts) > 1:
            pair, parts = f"{parts[0]} {parts[1]}", ["".join(parts[:2]), *parts[2:]]
            merges += [] if pair in merges else [pair]
            vocabulary.setdefault(parts[0], len(vocabulary) + 1)
    tokenizer = hub.CLIPTokenizer(vocabulary=vocabulary, merges=merges)
    converter = keras_hub.layers.CLIPImageConverter(image_size=(32, 32), scale=1 / 127.5, offset=-1.0)
    return hub.CLIPPreprocessor(tokenizer, image_converter=converter, sequence_length=TOKENS)


def numbered(texts: list[str]) -> Any:
    """Tokens of texts: the number of each word of `WORDS`, from 1, and 0 where there is none."""
    rows = [[WORDS.index(word) + 1 for word in text.split()] for text in texts]
    return np.array([row + [0] * (TOKENS - len(row)) for row in rows], np.int32)
