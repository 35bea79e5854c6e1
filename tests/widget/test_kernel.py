"""In a real kernel, whatever its version: cells beside comms, on the shell or on a subshell, and the stop button."""

import time
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.manager import KernelManager

from kx_widget.widget.messages import VERSION
from kx_widget.widget.outbox import LARGEST_FRAME

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SECONDS = 300
SETUP = """
import asyncio, threading, time
from pathlib import Path
import numpy as np
import kx_widget as kx
from tests import cases, models
explainer = kx.Explainer(models.residual(), class_names=["cat", "dog", "cup", "sky"])
w = kx.KxWidget(explainer, cases.photos())
w.wait()

question = lambda: (w.target, {"method": w.method, "layer": w.layer, **w.params})

def right():
    while True:  # A page may ask something else meanwhile.
        target, settings = question()
        maps = w.wait(300).maps
        if question() == (target, settings):
            return np.array_equal(maps, explainer.explain(cases.photos(), target, **settings).maps)
"""
# What a cell runs to say from within a wait that it waits.
WAITS = """
from kx_widget.widget import session
def said(*arguments):
    print('waiting', flush=True)
    return wait_for(*arguments)
wait_for, session.wait_for = session.wait_for, said
try:
    w.wait(300)
finally:
    session.wait_for = wait_for
"""
LONG = "w.method, w.params = 'integrated_gradients', {'smooth': {'repetitions': 1000}, 'tta': {}}"


class Kernel:
    """A kernel, and the page that shows its widget `w`."""

    def __init__(self):
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(cwd=str(ROOT))
        self.client = self._manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(SECONDS)
        self.heard, self.texts, self.idle, self.subshell = [], {}, set(), None
        self.value(SETUP)
        self.widget = self.value("print(w.model_id, end='')")

    def stop(self):
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def interrupt(self):
        self._manager.interrupt_kernel()

    def lines(self):
        """The main shell, and a subshell where the kernel has them."""
        yield None
        about = self.client.kernel_info(reply=True, timeout=SECONDS)["content"]
        if "kernel subshells" in about.get("supported_features", ()):
            message = self.client.session.msg("create_subshell_request")
            self.client.control_channel.send(message)
            yield self.client.control_channel.get_msg(timeout=SECONDS)["content"]["subshell_id"]

    def say(self, data):
        """Over the comm, as the page does."""
        message = self.client.session.msg("comm_msg", {"comm_id": self.widget, "data": data})
        if self.subshell:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def tell(self, kind, **fields):
        self.say({"method": "custom", "content": {"kind": kind, **fields}})

    def assign(self, **state):
        self.say({"method": "update", "state": state, "buffer_paths": []})

    def until(self, condition):
        """Listen until a condition holds, and acknowledge what comes."""
        end = time.monotonic() + SECONDS
        while not (found := condition()):
            assert time.monotonic() < end, " ".join(m["kind"] for m in self.heard)
            try:
                message = self.client.get_iopub_msg(timeout=0.1)
            except Empty:
                continue
            content, asked = message["content"], message["parent_header"].get("msg_id")
            if message["msg_type"] in ("stream", "error"):
                self.texts[asked] = self.texts.get(asked, "") + content.get("text", content.get("ename", ""))
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                self.idle.add(asked)
            if message["msg_type"] == "comm_msg" and content["data"]["method"] == "custom":
                self.heard.append(content["data"]["content"])
                assert sum(len(buffer) for buffer in message["buffers"]) <= LARGEST_FRAME
                if "seq" in self.heard[-1]:
                    self.tell("ack", seq=self.heard[-1]["seq"])
        return found

    def hears(self, kind, after=0):
        """Wait for such a message, and return it."""
        return self.until(lambda: next((m for m in self.heard[after:] if m["kind"] == kind), None))

    def begin(self, code):
        """Run a cell, and return at once what to ask `end` for."""
        return self.client.execute(code)

    def end(self, cell):
        """The cell's status, and what it printed."""
        reply = {}

        def ended():
            try:
                message = self.client.get_shell_msg(timeout=0.05)
            except Empty:
                return False
            reply.update(message["content"])
            return message["parent_header"]["msg_id"] == cell

        self.until(ended)
        self.until(lambda: cell in self.idle)
        return reply["status"], self.texts.get(cell, "")

    def value(self, code):
        status, text = self.end(self.begin(code))
        assert status == "ok", text
        return text


@pytest.fixture(scope="module")
def kernel():
    k = Kernel()
    yield k
    k.stop()


@pytest.fixture
def lines(kernel):
    """Each line that the kernel has, with a view on it that has heard everything."""

    def each():
        for line in kernel.lines():
            kernel.subshell = line
            kernel.value("w.params, w.layer, w.target = {}, 'after_add', 'top'; w.wait()")
            kernel.heard.clear()
            kernel.tell("hello", version=VERSION, view="view", have=[])
            kernel.hears("done")
            yield line
        kernel.subshell = None

    return each


def test_a_question_during_a_cell_is_answered_meanwhile_or_afterwards(kernel, lines, tmp_path):
    for number, line in enumerate(lines()):
        go_on = tmp_path / str(number)
        cell = kernel.begin(f"print('busy', flush=True)\nwhile not Path({str(go_on)!r}).exists(): time.sleep(0.01)")
        kernel.until(lambda cell=cell: cell in kernel.texts)
        before = len(kernel.heard)
        kernel.assign(target="dog")
        if line is None:
            go_on.touch()
        kernel.hears("done", before)
        go_on.touch()
        assert kernel.end(cell) == ("ok", "busy\n")
        assert kernel.value("print(w.target, right(), end='')") == "dog True"


def test_waiting_in_a_cell_while_the_page_goes_on_asking(kernel, lines):
    for _ in lines():
        for target in ("cat", "sky", "cup"):
            cell = kernel.begin("w.layer = 'stem' if w.layer != 'stem' else 'after_add'\nprint(right(), end='')")
            kernel.assign(target=target)
            assert kernel.end(cell) == ("ok", "True")
            assert kernel.value("print(w.target, right(), end='')") == f"{target} True"


def test_the_stop_button_during_a_wait_cancels_and_leaves_everything_usable(kernel, lines):
    for _ in lines():
        before = len(kernel.heard)
        kernel.value(LONG)
        cell = kernel.begin(WAITS)
        kernel.until(lambda cell=cell: cell in kernel.texts)
        kernel.hears("progress", len(kernel.heard))
        kernel.interrupt()
        assert kernel.end(cell) == ("error", "waiting\nKeyboardInterrupt")
        kernel.hears("cancelled", before)
        before = len(kernel.heard)
        kernel.assign(method="gradcam", params={}, target="sky")
        kernel.hears("done", before)
        assert kernel.value("print(right(), w.status, w.target, end='')") == "True done sky"


def test_from_another_thread_and_from_a_cell_that_awaits(kernel, lines):
    for _ in lines():
        before = len(kernel.heard)
        kernel.value("t = threading.Thread(target=setattr, args=(w, 'layer', 'stem')); t.start(); t.join()")
        kernel.hears("done", before)
        code = "for name in ('cat', 'dog', 'cup'):\n    w.target = name\n    await asyncio.sleep(0)\n"
        assert kernel.value(f"{code}await asyncio.to_thread(w.wait)\nprint(right(), end='')") == "True"
        assert kernel.value("print(w.layer, w.target, end='')") == "stem cup"


def test_a_widget_of_a_kernel_that_hears_nonsense_lives_on(kernel, lines):
    for _ in lines():
        before = len(kernel.heard)
        for nonsense in (None, {"kind": "hello"}, {"kind": "want", "gen": 1, "image": "/etc/passwd"}, [1] * 10**5):
            kernel.say({"method": "custom", "content": nonsense})
        kernel.assign(target=-1, params={"masks": 10**9}, compare_with=["cat"] * 10**5, layer="/etc/passwd")
        kernel.until(lambda before=before: sum(m["kind"] == "error" for m in kernel.heard[before:]) >= 5)
        assert kernel.value("print(w.status, w.target, w.params, w.layer, end='')") == "done top {} after_add"
