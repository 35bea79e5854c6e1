"""WebKitGTK behind the WebDriver BiDi that Playwright speaks, as far as the tests need it.

Playwright starts it in the place of a Firefox. Debian's WebKit speaks WebDriver alone: what goes through here are
scripts, the mouse, the keyboard, the size of the window and pictures of it, one window for each page, and what pages
complain about once they are loaded.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import itertools
import json
import os
import re
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image
from websockets.asyncio.server import ServerConnection, serve

from tests.browser.server import free_port
from tests.browser.webkit import require

START, IN_PAGE = (Path(__file__).with_name(name).read_text("utf-8") for name in ("webkit_start.js", "webkit_page.js"))
UNREAD = re.compile(r"EvalError: unread (.*) \(end\)", re.DOTALL)
BLINK = """const dot = document.documentElement.appendChild(document.createElement("div"));
dot.style.cssText = "position: fixed; right: 0; bottom: 0; width: 1px; height: 1px";
let frames = 0;
const blink = () => {
    dot.style.background = ++frames % 2 ? "#777" : "#787878";
    if (frames < 200) setTimeout(blink, 20);
    else dot.remove();
};
blink();"""
SIZE = "setTimeout(() => arguments[0]([innerWidth, innerHeight]), 30)"
# Without a graphics card, what is drawn by the processor at once is seen ten times sooner.
SETTINGS = {"GDK_BACKEND": "x11", "WEBKIT_DISABLE_COMPOSITING_MODE": "1", "WEBKIT_SKIA_ENABLE_CPU_RENDERING": "1"}
# MiniBrowser's own controls would make each window 450 pixels wide at least.
STYLE = "* { font-size: 1px; min-width: 0; min-height: 0; margin: 0; padding: 0; -gtk-icon-transform: scale(0); }"
# There is no proxy at that port.
NO_WAY_OUT = {
    "proxyType": "manual",
    "httpProxy": "127.0.0.1:9",
    "sslProxy": "127.0.0.1:9",
    "noProxy": ["127.0.0.1", "localhost"],
}
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Gone(Exception):
    """The document that was meant is not there any more."""


class Window:
    """One window of MiniBrowser with its own driver, and the BiDi context that it stands for."""

    def __init__(self, name: str, user_context: str, send: Send) -> None:
        self.name = name
        self.user_context = user_context
        self._send = send
        self._lock = asyncio.Lock()
        self._greeting = asyncio.Lock()
        self._documents = itertools.count(1)
        self.token = ""
        self._wheel = {"deltaX": 0, "deltaY": 0}
        self._home = tempfile.TemporaryDirectory(prefix="kx-webkit-", ignore_cleanup_errors=True)
        style = Path(self._home.name, "gtk-3.0/gtk.css")
        style.parent.mkdir()
        style.write_text(STYLE, encoding="utf-8")

    async def open(self, size: tuple[int, int]) -> None:
        """Start driver and browser, a few times where the browser crashes as it starts."""
        for _ in range(20):
            if await self._start():
                await self.resize(*size)
                return
        raise RuntimeError("MiniBrowser crashes as it starts")

    async def _start(self) -> bool:
        port = free_port()
        self._address = f"http://127.0.0.1:{port}"
        self._session = ""
        self._driver = await asyncio.create_subprocess_exec(
            require().driver,
            f"--port={port}",
            env={
                **os.environ,
                **SETTINGS,
                "HOME": self._home.name,
                "XDG_CACHE_HOME": self._home.name,
                "XDG_CONFIG_HOME": self._home.name,
            },
        )
        options = {"binary": require().browser, "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options, "proxy": NO_WAY_OUT}}
        opening = asyncio.create_task(self.ask("POST", "/session", {"capabilities": wanted}))
        # For a browser that is gone the driver waits for good.
        is_seen, missing = False, 0
        while not opening.done() and missing < (3 if is_seen else 100):
            await asyncio.wait([opening], timeout=0.1)
            is_here = bool(self._browsers())
            is_seen, missing = is_seen or is_here, 0 if is_here else missing + 1
        if not opening.done():
            self._driver.kill()
            await self._driver.wait()
            await asyncio.gather(opening, return_exceptions=True)
            return False
        self._session = f"/session/{(await opening)['sessionId']}"
        self._browser = self._browsers()[0]
        return True

    def _browsers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self._driver.pid).children()]

    async def focus(self) -> None:
        """Let the keyboard be the window's, as a window manager would."""
        command = [
            require().focus,
            "search",
            "--onlyvisible",
            "--pid",
            str(self._browser),
            "windowraise",
            "windowfocus",
            "--sync",
        ]
        await (await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)).wait()

    def turn(self, action: dict[str, Any]) -> None:
        """Make a turn of the wheel what it is after all turns before, less which WebKit's driver takes it for."""
        for axis in self._wheel:
            action[axis] = self._wheel[axis] = self._wheel[axis] + action[axis]

    async def close(self) -> None:
        """End driver and browser."""
        with contextlib.suppress(OSError, RuntimeError):
            await self.ask("DELETE", "")
        self._driver.terminate()
        await self._driver.wait()
        self._home.cleanup()

    async def ask(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One command of WebDriver."""
        async with self._lock:
            for _ in range(100):
                try:
                    return await asyncio.to_thread(request, verb, self._address + self._session + path, body)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
        raise RuntimeError("the driver did not start")

    async def resize(self, width: int, height: int) -> None:
        """Give the page, without the window's frame, this size."""
        frame = [0, 0]
        for _ in range(5):
            outer = {"width": width + frame[0], "height": height + frame[1]}
            await self.ask("POST", "/window/rect", {"x": 0, "y": 0, **outer})
            # The page learns of it some frames later.
            for _ in range(10):
                inner = await self.ask("POST", "/execute/async", {"script": SIZE, "args": []})
                if inner == [width, height]:
                    return
            frame = [frame[0] + width - inner[0], frame[1] + height - inner[1]]
        raise RuntimeError(f"the window cannot have {width} by {height} pixels")

    async def begin(self) -> None:
        """Greet a new document."""
        async with self._greeting:
            await self._greet()

    async def _greet(self) -> None:
        token = f"{self.name}.{next(self._documents)}"
        url = await self.ask("POST", "/execute/sync", {"script": START, "args": [token, self.name]})
        if url is None:
            return
        old, self.token = self.token, token
        if old:
            await self.tell("script.realmDestroyed", realm=old)
            await self.tell("script.realmDestroyed", realm=f"{old}/utility")
        place = {"context": self.name, "navigation": self.token, "url": url, "timestamp": 0}
        await self.tell("browsingContext.navigationCommitted", **place)
        await self.tell("script.realmCreated", realm=self.token, origin=url, type="window", context=self.name)
        await self.tell("browsingContext.domContentLoaded", **place)
        await self.tell("browsingContext.load", **place)

    async def tell(self, event: str, **params: Any) -> None:
        """Send an event to Playwright."""
        await self._send({"type": "event", "method": event, "params": params})

    async def evaluate(self, expression: str, keep: bool) -> dict[str, Any]:
        """What an expression gives, as BiDi describes it: by handle, or as a whole."""
        depth = 0 if keep else 20
        outcome = await self._run(f"answer((async () => ({expression.strip().rstrip(';')}))(), {depth}, done);")
        while "ticket" in outcome:
            outcome = await self._run(f"answer(bidi.promises.get({outcome['ticket']}), {depth}, done);")
        if "exception" in outcome:
            return {"type": "exception", "exceptionDetails": {"text": outcome["exception"]}}
        return {"type": "success", "result": outcome["value"]}

    async def _run(self, action: str) -> dict[str, Any]:
        body = f"""const finish = arguments[0];
        if (window.__bidi?.token !== {self.token!r}) return finish({{ gone: true }});
        {IN_PAGE}
        {action}"""
        outcome = await self.ask("POST", "/execute/async", {"script": body, "args": []})
        await self._complain(outcome.get("complaints", ()))
        if "gone" in outcome:
            await self.begin()
            raise Gone("the page has another document now")
        return outcome

    async def drain(self) -> None:
        """Tell what the page has complained about since the last time."""
        script = "return window.__bidi?.complaints.splice(0)"
        await self._complain(await self.ask("POST", "/execute/sync", {"script": script, "args": []}) or ())

    async def _complain(self, texts: Iterable[str]) -> None:
        source = {"realm": self.token, "context": self.name}
        for text in texts:
            await self.tell("log.entryAdded", type="javascript", level="error", text=text, source=source, timestamp=0)


def request(verb: str, url: str, body: dict[str, Any] | None) -> Any:
    """An answer of WebDriver, or its error."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=verb)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=120) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(error.read().decode()) from None
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else error from None


def literal(value: dict[str, Any]) -> str:
    """A local value of BiDi as JavaScript."""
    if handle := value.get("handle") or value.get("sharedId"):
        return f"bidi.handles.get({json.dumps(handle)})"
    kind, content = value["type"], value.get("value")
    if kind in {"undefined", "null"}:
        return kind
    if kind == "number":
        return str(content) if isinstance(content, str) else json.dumps(content)
    if kind == "array":
        return f"[{', '.join(map(literal, content))}]"
    if kind == "object":
        return f"Object.fromEntries([{', '.join(f'[{literal(key)}, {literal(item)}]' for key, item in content)}])"
    if kind == "bigint":
        return f"{content}n"
    return json.dumps(content)


class Bridge:
    """One connection of Playwright's."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._windows: dict[str, Window] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._front = ""
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._functions = {
            "session.new": self._begin,
            "browser.createUserContext": self._create_user_context,
            "browser.removeUserContext": self._remove_user_context,
            "browsingContext.create": self._create,
            "browsingContext.close": self._close,
            "browsingContext.navigate": self._navigate,
            "browsingContext.reload": self._reload,
            "browsingContext.setViewport": self._set_viewport,
            "browsingContext.captureScreenshot": self._capture,
            "script.evaluate": self._evaluate,
            "script.callFunction": self._call,
            "script.disown": self._disown,
            "input.performActions": self._act,
        }

    async def serve(self) -> None:
        """Answer until Playwright closes the browser or goes away."""
        async for message in self._socket:
            command = json.loads(message)
            if command["method"] == "browser.close":
                break
            task = asyncio.create_task(self._answer(command))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for window in self._windows.values():
            await window.close()

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(message))

    async def _answer(self, command: dict[str, Any]) -> None:
        function = self._functions.get(command["method"])
        try:
            result = await function(**command["params"]) if function else {}
            await self._send({"type": "success", "id": command["id"], "result": result or {}})
        except Exception as error:
            # Playwright looks for these words, and then for the new document.
            kind = "no such frame" if isinstance(error, KeyError) else "unknown error"
            await self._send({"type": "error", "id": command["id"], "error": kind, "message": str(error)})

    async def _begin(self, **_: Any) -> dict[str, Any]:
        return {"sessionId": "webkit", "capabilities": {"browserName": "webkit", "browserVersion": "", "userAgent": ""}}

    async def _create_user_context(self, **_: Any) -> dict[str, Any]:
        return {"userContext": f"user{next(self._numbers)}"}

    async def _remove_user_context(self, userContext: str, **_: Any) -> None:
        for window in [window for window in self._windows.values() if window.user_context == userContext]:
            await self._close(window.name)

    async def _create(self, userContext: str = "default", **_: Any) -> dict[str, Any]:
        window = Window(f"window{next(self._numbers)}", userContext, self._send)
        await window.open(self._sizes.get(userContext, (1280, 720)))
        self._windows[window.name] = window
        place = {"context": window.name, "userContext": userContext, "url": "about:blank"}
        await window.tell("browsingContext.contextCreated", **place, parent=None, originalOpener=None, children=None)
        await window.begin()
        return {"context": window.name}

    async def _close(self, context: str, **_: Any) -> None:
        window = self._windows.pop(context)
        await window.drain()
        await window.close()
        await window.tell("browsingContext.contextDestroyed", context=context, parent=None, url="", children=None)

    async def _navigate(self, context: str, url: str, **_: Any) -> dict[str, Any]:
        window = self._windows[context]
        await window.drain()
        await window.ask("POST", "/url", {"url": url})
        await window.begin()
        return {"navigation": window.token, "url": url}

    async def _reload(self, context: str, **_: Any) -> dict[str, Any]:
        window = self._windows[context]
        await window.drain()
        await window.ask("POST", "/refresh", {})
        await window.begin()
        return {"navigation": window.token, "url": ""}

    async def _set_viewport(
        self,
        viewport: dict[str, int],
        context: str = "",
        userContexts: tuple[str, ...] = (),
        **_: Any,
    ) -> None:
        size = viewport["width"], viewport["height"]
        for user_context in userContexts:
            self._sizes[user_context] = size
        if context:
            await self._windows[context].resize(*size)

    async def _capture(self, context: str, clip: dict[str, Any], origin: str, **_: Any) -> dict[str, Any]:
        window = self._windows[context]
        # WebKit waits for the next thing that it draws, for good where nothing moves.
        await window.ask("POST", "/execute/sync", {"script": BLINK, "args": []})
        png = base64.b64decode(await window.ask("GET", "/screenshot"))
        x, y = clip["x"], clip["y"]
        if origin == "document":
            scrolled = await window.ask("POST", "/execute/sync", {"script": "return [scrollX, scrollY]", "args": []})
            x, y = x - scrolled[0], y - scrolled[1]
        part = Image.open(io.BytesIO(png)).crop(tuple(map(round, (x, y, x + clip["width"], y + clip["height"]))))
        part.save(kept := io.BytesIO(), "PNG")
        return {"data": base64.b64encode(kept.getvalue()).decode()}

    async def _evaluate(
        self,
        expression: str,
        target: dict[str, str],
        resultOwnership: str = "none",
        **_: Any,
    ) -> dict[str, Any]:
        window = self._windows[target["context"]]
        outcome = await window.evaluate(expression, resultOwnership == "root")
        return {**outcome, "realm": window.token + ("/utility" if "sandbox" in target else "")}

    async def _call(
        self,
        functionDeclaration: str,
        target: dict[str, str],
        arguments: list[dict[str, Any]] = [],  # noqa: B006
        **options: Any,
    ) -> dict[str, Any]:
        expression = f"({functionDeclaration})({', '.join(map(literal, arguments))})"
        # Without a word on what is to be kept, objects have handles as well: `maxObjectDepth` says which.
        shallow = (options.get("serializationOptions") or {}).get("maxObjectDepth") == 0
        ownership = "root" if shallow else options.get("resultOwnership", "none")
        outcome = await self._evaluate(expression, target, ownership)
        known: list[str] = []
        # A page that forbids eval(), by which Playwright's own scripts read others, is told what these texts are.
        while outcome["type"] == "exception" and outcome["exceptionDetails"]["text"].startswith("EvalError: "):
            text = UNREAD.match(outcome["exceptionDetails"]["text"])
            known.append(text[1] if text else arguments[3]["value"])
            table = ", ".join(f"[{json.dumps(source)}, () => ({source.strip().rstrip(';')})]" for source in known)
            outcome = await self._evaluate(f"withEval(new Map([{table}]), () => {expression})", target, ownership)
        return outcome

    async def _disown(self, handles: list[str], target: dict[str, str]) -> None:
        pass

    async def _act(self, context: str, actions: list[dict[str, Any]]) -> None:
        for source in actions:
            for action in source["actions"]:
                if action["type"] == "scroll":
                    self._windows[context].turn(action)
                if "x" in action:
                    action.update(x=round(action["x"]), y=round(action["y"]), origin="viewport", duration=0)
        if self._front != context:
            self._front = context
            await self._windows[context].focus()
        await self._windows[context].ask("POST", "/actions", {"actions": actions})


async def main() -> None:
    """Serve one Playwright on a screen of our own."""
    screen = await asyncio.create_subprocess_exec(
        require().screen, "-displayfd", "1", "-screen", "0", "2000x2000x24", "-nolisten", "tcp",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert screen.stdout is not None
    os.environ["DISPLAY"] = f":{int(await screen.stdout.readline())}"
    done = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        await Bridge(socket).serve()
        done.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    async with serve(handle, "127.0.0.1", 0, max_size=None, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"WebDriver BiDi listening on ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
        await done.wait()
    screen.terminate()


if __name__ == "__main__":
    asyncio.run(main())
