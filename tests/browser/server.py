"""A host's server of our own: own home, own port, gone when we are."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

# Asks Linux to end the server when the test run dies, even by SIGKILL; then becomes the server.
LEASH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])
"""
FOLDERS = {
    "HOME": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "xdg",
}
CONFIG = Path(__file__).parent / "jupyter"
# Served below /static/: pages that stand for hosts.
STATIC = Path(__file__).parent / "hosts/static"
OFFLINE_PROXY = "http://127.0.0.1:9"


class Server:
    """`with Server(folder, command) as s: s.url` runs `python -m` with the command for a port of 127.0.0.1."""

    def __init__(
        self, folder: Path, command: Callable[[int], list[str]], *, ready: str = "/api/status", timeout: float = 90
    ) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="kx-home-", ignore_cleanup_errors=True)
        home = Path(self._home.name)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._ready = ready
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LEASH, sys.executable, "-m", *command(port)],
                cwd=folder,
                env=environment(home),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_answer(timeout)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, which ends its kernels, and whatever of them is left, each by its pid."""
        kernels: list[psutil.Process] = []
        if self._process.poll() is None:
            kernels = psutil.Process(self._process.pid).children(recursive=True)
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for orphan in psutil.wait_procs(kernels, timeout=3)[1]:
            orphan.kill()
        self._home.cleanup()

    def ask(self, path: str, method: str = "GET", timeout: float = 60) -> bytes:
        """What the server answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, method=method), timeout=timeout) as answer:
            return answer.read()

    def _await_answer(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.ask(self._ready, timeout=5)
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"The server did not come up:\n{self._log.read_text(encoding='utf-8')[-3000:]}"
                    ) from None
                time.sleep(0.1)


def jupyter(app: str, folder: Path) -> Callable[[int], list[str]]:
    """The command for "lab" or "notebook" over the notebooks in a folder, with no token and its parts at hand."""
    module, name = {"lab": ("jupyterlab", "LabApp"), "notebook": ("notebook", "JupyterNotebookApp")}[app]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return lambda port: [
        module,
        *(["--allow-root"] if root else []),
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        f"--ServerApp.extra_static_paths={STATIC}",
        "--ServerApp.disable_check_xsrf=True",
        "--IdentityProvider.token=",
        f"--{name}.expose_app_in_browser=True",
    ]


def environment(home: Path) -> dict[str, str]:
    """Ours, with every Jupyter folder under `home` and no way out for Python's HTTP clients."""
    env = {k: v for k, v in os.environ.items() if not k.upper().endswith("_PROXY")}
    for name, folder in FOLDERS.items():
        (home / folder).mkdir()
        env[name] = str(home / folder)
    bin_folder = str(Path(sys.executable).parent)
    return {
        **env,
        "JUPYTER_CONFIG_PATH": str(CONFIG),
        "HTTP_PROXY": OFFLINE_PROXY,
        "HTTPS_PROXY": OFFLINE_PROXY,
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
