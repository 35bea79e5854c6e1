"""The training that a widget follows: whose turn it is with the model, and what was explained so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kx_widget.widget.epoch_history import EpochAnswer, EpochHistory
from kx_widget.widget.outbox import Outbox
from kx_widget.widget.training_gate import TrainingGate


class Training:
    """What pages are told of a training.

    Args:
        outbox: takes the messages.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.gate = TrainingGate()
        self.history = EpochHistory()

    def add(self, answer: EpochAnswer) -> None:
        """Keep and tell what was explained at a moment."""
        with self._outbox.lock:
            self.history.add(answer)
            self._tell([answer.number])

    def note(self, about: str, sentence: str) -> None:
        """Say something about the training, instead of what was said about the same thing; "" takes it back."""
        with self._outbox.lock:
            before = self.history.notes.pop(about, "")
            if sentence:
                self.history.notes[about] = sentence
            if sentence != before:
                self.tell()

    def tell(self) -> None:
        """Tell how it goes."""
        self._tell([])

    def begin_again(self) -> None:
        """Drop what waits and is about to be told again."""
        if self.history.answers or self.history.notes:
            self._outbox.epochs([])

    def tell_all(self) -> None:
        """Tell a page that has just been drawn everything, if there is anything."""
        if self.history.answers or self.history.notes:
            self._outbox.epochs([self._message([number]) for number in self.history.answers])

    def _tell(self, numbers: Iterable[int]) -> None:
        """Tell of these moments behind those that wait, all of them as they are now."""
        # What waits must not be sent, nor told to a page that opens, before it is told anew.
        with self._outbox.lock:
            waiting = dict.fromkeys([*self._outbox.waiting_epochs(), *numbers])
            known = [number for number in waiting if number in self.history.answers]
            self._outbox.epochs([self._message([number]) for number in known] or [self._message([])])

    def _message(self, numbers: Iterable[int]) -> tuple[dict[str, Any], list[bytes]]:
        answers = [self.history.answers[number] for number in numbers]
        about = {
            "kept": self.history.kept,
            "notes": list(self.history.notes.values()),
            "training": self.gate.is_training,
        }
        return {"kind": "epochs", "items": [each.record() for each in answers], **about}, [a.data for a in answers]
