"""Firefox for Playwright, which asks for one thing that Firefox's WebDriver BiDi does not know.

The answer is made up here: which colours and how much motion a page is told to prefer stays Firefox's own choice.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tests.browser.firefox import require

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
UNKNOWN = "emulation.setMediaFeaturesOverride"


async def relay(playwright: ServerConnection, address: str) -> None:
    """Hand messages on in both directions until one side goes."""
    assert playwright.request is not None
    async with connect(address + playwright.request.path, max_size=None, compression=None) as firefox:

        async def up() -> None:
            async for message in playwright:
                command = json.loads(message)
                if command["method"] == UNKNOWN:
                    await playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
                else:
                    await firefox.send(message)

        async def down() -> None:
            async for message in firefox:
                await playwright.send(message)

        await asyncio.wait([asyncio.create_task(up()), asyncio.create_task(down())], return_when="FIRST_COMPLETED")


async def main() -> None:
    """Run Firefox with Playwright's arguments, and say another address than it does."""
    firefox = await asyncio.create_subprocess_exec(require(), *sys.argv[1:], stderr=asyncio.subprocess.PIPE)
    assert firefox.stderr is not None
    address = ""

    async def handle(playwright: ServerConnection) -> None:
        await relay(playwright, address)

    async with serve(handle, "127.0.0.1", 0, max_size=None, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async for line in firefox.stderr:
            text = line.decode(errors="replace")
            if listening := LISTENING.search(text):
                address = listening[1]
                text = text.replace(address, f"ws://127.0.0.1:{port}")
            print(text, end="", file=sys.stderr, flush=True)
    await firefox.wait()


if __name__ == "__main__":
    asyncio.run(main())
