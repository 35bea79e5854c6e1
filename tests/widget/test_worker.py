"""One thread, one job: it survives what a job raises."""

import _thread
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from kx_widget.widget.worker import CancelToken, Worker, start_thread, start_timer, wait_for
from tests.widget.page import PATIENCE, until


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_job_that_raises_ends_alone_and_is_logged(caplog, kind):
    worker, ran = Worker("test"), threading.Event()

    def broken(_):
        raise kind("the job's own fault")

    worker.put(broken)
    until(lambda: not worker.busy)
    assert "the job's own fault" in caplog.text
    worker.put(lambda _: ran.set())
    assert ran.wait(PATIENCE)


def test_of_several_jobs_put_meanwhile_only_the_last_is_run():
    worker, ran = Worker("test"), []
    begun, go_on = threading.Event(), threading.Event()

    def first(stale):
        begun.set()
        until(stale)
        go_on.wait(PATIENCE)

    worker.put(first)
    assert begun.wait(PATIENCE)
    for n in range(5):
        worker.put(lambda _, n=n: ran.append(n))
    go_on.set()
    until(lambda: not worker.busy)
    assert ran == [4]


def test_a_job_waits_for_each_of_its_works_and_begins_none_that_nobody_wants():
    stale, ended = CancelToken(), []
    for n in range(2):
        assert stale.wait_for(lambda n=n: (threading.Event().wait(0.05), ended.append(n)))
        assert ended == list(range(n + 1))
    stale.set()
    assert not stale.wait_for(lambda: ended.append("unwanted"))
    assert ended == [0, 1]


def test_a_job_that_pauses_gives_way_at_once():
    worker, ended, began = Worker("test"), [], threading.Event()

    def pausing(stale):
        began.set()
        ended.append(stale.wait(600))

    worker.put(pausing)
    assert began.wait(PATIENCE)
    worker.put(lambda _: ended.append("the next"))
    until(lambda: not worker.busy)
    assert ended == [True, "the next"]


LEAVING = """
import threading
from kx_widget.widget.worker import Worker
begun = threading.Event()
def job(stale):
    begun.set()
    stale.wait()
    threading.Event().wait(0.2)
    print("gave way")
Worker("test").put(job)
begun.wait()
"""


def test_the_end_of_the_process_waits_for_a_job_to_give_way():
    ended = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, encoding="utf-8")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "gave way\n", "")


def test_threads_speak_for_whoever_asked():
    """A context variable holds, in ipykernel, which message is being answered."""
    asker, heard = ContextVar("asker"), []
    worker = Worker("test")

    def answer(_):
        heard.append(asker.get())
        start_timer(0, lambda: start_thread(lambda: heard.append(asker.get())))

    for who in ("cell", "page"):
        asker.set(who)
        worker.put(answer)
        until(lambda who=who: heard[-2:] == [who, who])
    assert heard == ["cell", "cell", "page", "page"]


def test_an_interrupt_that_another_thread_gets_ends_the_wait(heeded_interrupts):
    asleep = threading.Event()

    class Watched(threading.Condition):
        def wait(self, timeout=None):
            asleep.set()
            return super().wait(timeout)

    def interrupt():
        asleep.wait()
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    start, condition = time.monotonic(), Watched()
    with pytest.raises(KeyboardInterrupt), condition:
        wait_for(condition, lambda: False, 20)
    assert time.monotonic() - start < 15


def test_waiting_ends_in_time_or_when_there_is_something():
    condition = threading.Condition()
    with condition:
        assert not wait_for(condition, lambda: False, 0.3)
        assert not wait_for(condition, lambda: False, -1)
        assert wait_for(condition, lambda: True, -1)
