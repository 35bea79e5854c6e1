"""Reads maps as `js/src/kernel/decode.ts` does."""

import numpy as np


def decode(header, buffer):
    """The map (h, w) that a header describes."""
    start, length = header["byte_offset"], header["byte_length"]
    kind, missing = ("<f4", None) if header["dtype"] == "float32" else ("<u2", 65535)
    values = np.frombuffer(buffer[start : start + length], kind).reshape(header["shape"])
    if missing is None:
        return values
    return np.where(values == missing, np.nan, values * header["scale"] + header["offset"]).astype(np.float32)
