"""Work that threads do before anybody waits for it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, repeat
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered_map(fn: Callable[[T], R], items: Iterable[T], workers: int, ahead: int) -> Generator[R, None, None]:
    """Yield `fn` of each item, in the items' order, computed in threads before it is asked for.

    Args:
        fn: what to compute.
        items: taken one by one, in the caller's thread.
        workers: threads.
        ahead: how many items may be under way or waiting to be fetched.

    Raises:
        Whatever `fn` or `items` raise, where the result would have been: those before it are yielded.
    """
    pending: deque[Future[R]] = deque()
    iterator = iter(items)
    failure: Exception | None = None
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                except Exception as error:
                    failure = error
                    break
                pending.append(pool.submit(fn, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
            if failure is not None:
                raise failure
        finally:
            for future in pending:
                future.cancel()


def prefetch(items: Iterator[T], ahead: int) -> Generator[T, None, None]:
    """Yield the same items, taken in another thread before they are needed."""
    for taken in ordered_map(lambda _: [*islice(items, 1)], repeat(None), 1, ahead):
        if not taken:
            return
        yield from taken
