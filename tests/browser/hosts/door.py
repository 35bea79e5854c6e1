"""Running code in a notebook whose page cannot: a thread of the notebook's own process waits for it."""

from __future__ import annotations

import threading
import time
import traceback
from multiprocessing.connection import Client, Listener
from typing import Any, Literal


def open_door(port: int, names: dict[str, Any]) -> None:
    """Take code from the connections to a port, one after the other, and evaluate or run it with these names."""
    listener = Listener(("127.0.0.1", port))

    def answer() -> None:
        while True:
            with listener.accept() as connection:
                try:
                    code, mode = connection.recv()
                    connection.send((str(eval(compile(code, "<door>", mode), names)), ""))
                except Exception:
                    connection.send(("", traceback.format_exc()))

    threading.Thread(target=answer, daemon=True).start()


def through_door(port: int, code: str, mode: Literal["eval", "exec"]) -> str:
    """The str of what the code is there, `None` for statements, or its traceback raised."""
    end = time.monotonic() + 60
    while True:
        try:
            connection = Client(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            # The page may be there before the cell has run that opens it.
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    with connection:
        connection.send((code, mode))
        value, error = connection.recv()
    if error:
        raise RuntimeError(error)
    return value
