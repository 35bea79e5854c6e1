"""Firefox, driven by its own WebDriver BiDi; run as a script, install one where that can be done."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import websocket

NAMES = ("firefox-esr", "firefox")
# Nothing goes to another machine: there is no proxy at that port.
PREFERENCES = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
}
ADDRESS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
SECONDS = 120


def find() -> str | None:
    """The path named by FIREFOX, else the first browser of a known name, else None."""
    if named := os.environ.get("FIREFOX"):
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None)


class Firefox:
    """A headless Firefox with one page: `with Firefox(folder) as firefox: firefox.open(url)`.

    `errors` are what pages complained about.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 900)) -> None:
        path = find()
        if path is None:
            raise FileNotFoundError("This needs Firefox: install it, or set FIREFOX to its path.")
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
        self._log = folder / "firefox.log"
        width, height = size
        arguments = ["--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [path, *arguments, f"--width={width}", f"--height={height}"],
                env={**os.environ, "HOME": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._numbers = itertools.count(1)
        self.errors: list[str] = []

    def __enter__(self) -> Firefox:
        self._socket = websocket.create_connection(f"{self._address()}/session", SECONDS, suppress_origin=True)
        self._command("session.new", capabilities={})
        self._command("session.subscribe", events=["log.entryAdded"])
        self._page = self._command("browsingContext.getTree")["contexts"][0]["context"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(SECONDS)

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._command("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is, or what its promise brings, as JSON."""
        script = f"Promise.resolve({expression}).then(JSON.stringify)"
        answer = self._command("script.evaluate", expression=script, target={"context": self._page}, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def until(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true, and return it."""
        deadline = time.monotonic() + SECONDS
        while not (value := self.value(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {SECONDS} s: {expression}; the page complained about {self.errors}")
        return value

    def screenshot(self, path: Path) -> None:
        """Keep a picture of what is in sight."""
        path.write_bytes(
            base64.b64decode(self._command("browsingContext.captureScreenshot", context=self._page)["data"])
        )

    def _address(self) -> str:
        deadline = time.monotonic() + SECONDS
        while (found := ADDRESS.search(self._log.read_text(encoding="utf-8"))) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Firefox did not start: {self._log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        return found[1]

    def _command(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("method") == "log.entryAdded":
                entry = message["params"]
                if entry["level"] == "error":
                    self.errors.append(entry["text"])
            elif message.get("id") == number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]


def main() -> int:
    """Install Firefox on Debian as root if there is none; its tests are left out where there is none in the end."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not find() and is_root and shutil.which("apt-get") and not os.environ.get("FIREFOX"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "firefox-esr"]):
            subprocess.run(command, env=quiet, stdout=sys.stderr, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
