"""Whose turn it is with a model that is trained in one thread and explained in another."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

# A thread that waits for its turn looks so often whether anybody still wants it.
SECONDS_ASLEEP = 0.02


class TrainingGate:
    """Keeps other threads from a model that is trained, but for moments at which its weights stand still.

    A map that was computed while weights change would be one of several models. Without training it is open.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._trainer: threading.Thread | None = None
        self._is_open = True
        self._waiting = self._inside = 0

    @property
    def is_training(self) -> bool:
        """Whether some thread trains the model."""
        return self._trainer is not None

    @property
    def is_left(self) -> bool:
        """Whether the thread that trained has gone on to something else, which is asking now, or has ended."""
        with self._changed:
            is_alive = any(thread is self._trainer for thread in threading.enumerate())
            return self.is_training and (self._trainer is threading.current_thread() or not is_alive)

    def begin(self, interrupt: Callable[[], None] = lambda: None) -> None:
        """This thread trains the model from now on; `interrupt` makes who has it leave soon."""
        with self._changed:
            self._trainer, self._is_open = threading.current_thread(), False
        interrupt()
        with self._changed:
            self._changed.wait_for(lambda: not self._inside)

    def end(self) -> None:
        """Nobody trains it any more."""
        with self._changed:
            self._trainer, self._is_open = None, True
            self._changed.notify_all()

    def let_in(self) -> bool:
        """Let those who wait have the model, and wait until they have done; whether there were any."""
        if not self._waiting:
            return False
        with self.opened(), self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._inside))
        return True

    @contextmanager
    def opened(self) -> Generator[None, None, None]:
        """While the thread that trains waits for something, others have the model; for any other thread nothing."""
        is_own = self._trainer is threading.current_thread()
        if is_own:
            with self._changed:
                self._is_open = True
                self._changed.notify_all()
        try:
            yield
        finally:
            if is_own:
                with self._changed:
                    # Who is inside has the model until the end: weights must not change meanwhile.
                    self._changed.wait_for(lambda: not self._inside)
                    self._is_open = self._trainer is None

    @contextmanager
    def passed(self, stale: Callable[[], bool]) -> Generator[bool, None, None]:
        """Wait for the model, and have it for the block; False where nobody wants it any more."""
        with self._changed:
            self._waiting += 1
            while not (self._is_open or stale()):
                self._changed.wait(SECONDS_ASLEEP)
            self._waiting -= 1
            may_pass = self._is_open
            self._inside += may_pass
            self._changed.notify_all()
        try:
            yield may_pass
        finally:
            with self._changed:
                self._inside -= may_pass
                self._changed.notify_all()
