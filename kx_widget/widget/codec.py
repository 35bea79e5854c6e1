"""Maps -> headers and one buffer; `js/src/kernel/decode.ts` reads it.

Maps up to 16 kB travel as float32, larger ones as uint16 with scale and offset: value = u × scale + offset,
off by at most range / 131068; 65535 stands for NaN. What is infinite becomes NaN.
"""

from collections.abc import Sequence

import numpy as np

from kx_widget.engine.types import Floats
from kx_widget.widget.encoded_maps import Encoded

LARGEST_FLOAT32 = 16 * 1024
NAN = 65535


def encode(maps: Sequence[Floats], exact_bytes: int = LARGEST_FLOAT32) -> tuple[list[Encoded], bytes]:
    """Maps (h, w) of any sizes as headers and the buffer that these point into; exact up to so many bytes each."""
    headers: list[Encoded] = []
    parts: list[bytes] = []
    at = 0
    for m in maps:
        header, part = _encode_one(m, exact_bytes)
        headers.append({**header, "byte_offset": at, "byte_length": len(part)})
        padding = -len(part) % 4
        parts.append(part + bytes(padding))
        at += len(part) + padding
    return headers, b"".join(parts)


def _encode_one(m: Floats, exact_bytes: int) -> tuple[Encoded, bytes]:
    finite = m[np.isfinite(m)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    header: Encoded = {
        "shape": [int(m.shape[0]), int(m.shape[1])],
        "dtype": "float32",
        "scale": 1.0,
        "offset": 0.0,
        "byte_offset": 0,
        "byte_length": 0,
    }
    if m.nbytes <= exact_bytes:
        return header, np.where(np.isfinite(m), m, np.nan).astype("<f4").tobytes()
    scale = (high - low) / (NAN - 1) or 1.0
    steps = np.where(np.isfinite(m), np.rint((m.astype(np.float64) - low) / scale), NAN)
    header.update(dtype="uint16", scale=scale, offset=low)
    return header, steps.astype("<u2").tobytes()
