"""Threads: of one slot, where the latest job wins, and of a queue.

Threads run in the context of the code that started them, so that what they send belongs to the message that is being
answered there. Without a context, ipykernel takes the last message of any widget for that one, whose subshell may be
gone.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any


class CancelToken(threading.Event):
    """Called, tells whether a job is not wanted any more; `wait(seconds)` waits for that, and tells whether it came."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = threading.Event()

    def __call__(self) -> bool:
        """Whether the job is not wanted any more."""
        return self.is_set()

    def set(self) -> None:
        """The job is not wanted any more."""
        super().set()
        self._ended.set()

    def wait_for(self, work: Callable[[], None]) -> bool:
        """Run `work`, if it is wanted, in a thread of its own, until it ends or nobody wants it; whether it ended."""

        def run() -> None:
            try:
                work()
            finally:
                self._ended.set()

        self._ended.clear()
        if self.is_set():
            return False
        start_thread(run)
        self._ended.wait()
        return not self.is_set()


Job = Callable[[CancelToken], None]
# Seconds to wait for the running job at interpreter exit.
SECONDS_AT_EXIT = 10.0
# Python does not hear an interrupt that comes as its thread falls asleep, or to another thread, before it wakes.
SECONDS_ASLEEP = 0.2


def start_thread(function: Callable[..., None], *arguments: Any, name: str | None = None) -> None:
    """Call the function in a thread of its own, in this context."""
    threading.Thread(target=copy_context().run, args=(function, *arguments), name=name, daemon=True).start()


def start_timer(seconds: float, function: Callable[[], None]) -> threading.Timer:
    """Call the function after so many seconds, in this context, unless the timer is cancelled."""
    timer = threading.Timer(seconds, copy_context().run, (function,))
    timer.daemon = True
    timer.start()
    return timer


def wait_for(condition: threading.Condition, predicate: Callable[[], bool], timeout: float) -> bool:
    """`condition.wait_for`, which an interrupt always ends."""
    end = time.monotonic() + timeout
    while not condition.wait_for(predicate, min(SECONDS_ASLEEP, end - time.monotonic())):
        if time.monotonic() >= end:
            return False
    return True


class Queue:
    """Runs jobs one after the other, in a thread that lives only while there is work.

    A job takes the place of an earlier one of its name that waits; what a job raises is logged, and ends it alone.

    Args:
        name: of the thread.
        most: how many may wait.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Context, Callable[[], None]]] = {}
        self._working = False

    def put(self, name: str, job: Callable[[], None]) -> bool:
        """Run a job after those that wait; False if they are too many."""
        with self._lock:
            self._waiting.pop(name, None)
            if len(self._waiting) >= self._most:
                return False
            self._waiting[name] = copy_context(), job
            is_idle, self._working = not self._working, True
        if is_idle:
            start_thread(self._work, name=self._name)
        return True

    def clear(self) -> None:
        """Run none of those that wait."""
        with self._lock:
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    return
                context, job = self._waiting.pop(next(iter(self._waiting)))
            try:
                context.run(job)
            except BaseException:  # SystemExit and KeyboardInterrupt would leave later jobs without a thread.
                logging.getLogger(__name__).exception("A job of the widget failed.")


class Worker:
    """Runs one job at a time in a thread that lives only while there is work.

    A job gets `stale()`, which turns True once a newer job waits or the job was cancelled; it then returns at
    its next chance. Of several jobs put meanwhile only the last is run. What a job raises is logged, and ends it alone.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: tuple[Context, Job] | None = None
        self._running = False
        self._stale = CancelToken()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._lock:
            return self._running

    def put(self, job: Job) -> None:
        """Run `job` as soon as the current one has given way."""
        with self._lock:
            self._waiting = copy_context(), job
            self._stale.set()
            if not self._running:
                self._running = True
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self._leave)

    def cancel(self) -> None:
        """Drop the waiting job, and ask the current one to stop."""
        with self._lock:
            self._waiting = None
            self._stale.set()

    def _leave(self) -> None:
        """Python ends the process's other threads within whatever they call; TensorFlow then aborts the process."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(SECONDS_AT_EXIT)

    def _work(self) -> None:
        while True:
            with self._lock:
                waiting, self._waiting = self._waiting, None
                if waiting is None:
                    self._running = False
                    atexit.unregister(self._leave)
                    return
                stale = self._stale = CancelToken()
            context, job = waiting
            try:
                context.run(job, stale)
            except BaseException:  # SystemExit and KeyboardInterrupt would leave later jobs without a thread.
                logging.getLogger(__name__).exception("A job of the widget failed.")
