"""Models from files, for explaining alone."""

import json
import zipfile
from pathlib import Path
from typing import Any

from kx_widget.engine.lazy_modules import keras


def load_model(path: Path) -> Any:
    """A model saved by Keras, with its loss, which tells whether its outputs are logits, but without its optimizer."""
    model: Any = keras.saving.load_model(path, compile=False)
    if path.suffix == ".keras" and not model.compiled:
        with zipfile.ZipFile(path) as archive:
            compiled = json.loads(archive.read("config.json")).get("compile_config") or {}
        try:
            loss = keras.saving.deserialize_keras_object(compiled.get("loss"))
        except Exception:
            # Somebody's own loss, whose code is not there; nothing but the probabilities of a linear head needs it.
            return model
        if loss is not None:
            model.compile(loss=loss)
    return model
