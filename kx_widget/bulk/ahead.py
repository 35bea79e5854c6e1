"""Work done ahead of those who wait for it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(fn: Callable[[T], R], items: Iterable[T], workers: int, ahead: int) -> Generator[R, None, None]:
    """`fn` of each item, in the items' order, computed in threads while nobody asks yet.

    Args:
        fn: what to do; its exceptions come out where its result would.
        items: taken one by one, in the caller's thread.
        workers: threads.
        ahead: how many items may be under way or waiting to be fetched.
    """
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append(pool.submit(fn, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def prefetched(items: Iterator[T], ahead: int) -> Generator[T, None, None]:
    """The same items, asked for in another thread before they are needed."""
    end = object()
    for item in in_order(lambda _: next(items, end), repeat(None), 1, ahead):
        if item is end:
            return
        yield item  # pyright: ignore[reportReturnType]
