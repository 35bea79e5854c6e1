"""Quiet, repeatable, offline."""

from __future__ import annotations

import gc
import ipaddress
import os
import random
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Examples that follow from the test and from what is imported, on however slow a machine.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The browser of the tests in one."""
    parser.addoption("--browser", choices=["chromium", "firefox", "webkit"], default="chromium")


def pytest_collection_finish() -> None:
    """What is imported stays: no collection of garbage needs to walk through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """Every test starts from the same random state, alone or in company."""
    if keras := sys.modules.get("keras"):
        with pytest.MonkeyPatch.context() as patch:
            # TensorFlow's own generator, which nothing here draws from: to seed it drops the kernels of all functions.
            patch.setattr("tensorflow.random.set_seed", lambda _: None)
            keras.utils.set_random_seed(0)
    else:
        random.seed(0)
        np.random.seed(0)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to another machine fails the test that asks for it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(address[0]):
            raise PermissionError(f"a test asked for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def is_loopback(host: str) -> bool:
    """Whether an address as given to connect() stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="module")
def model() -> Any:
    """The pooled model, of the same weights in each module that has no model of its own."""
    import keras

    from tests import models

    keras.utils.set_random_seed(1)
    return models.pooled()


@pytest.fixture(scope="module")
def explainer(model: Any) -> Any:
    """An explainer of the module's model."""
    import kx_widget as kx

    return kx.Explainer(model)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nineteen pictures of different sizes in two folders, and two files that are none."""
    rng = np.random.default_rng(0)
    for i in range(19):
        path = tmp_path / "photos" / ("cats" if i % 2 else "dogs") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (13 + i, 20, 3), np.uint8)).save(path)
    whole = (tmp_path / "photos/cats/01.png").read_bytes()
    (tmp_path / "photos/cats/02-truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "photos/dogs/03-text.png").write_text("not a picture", encoding="utf-8")
    return tmp_path / "photos"
