"""The only place where numba options, threads and BLAS are set.

Sites are cut into fixed blocks of `BLOCK`. Kernels are serial, release the interpreter lock and walk a range
of blocks; sums over sites leave them as one partial per block and are added in block order outside. The block
size is therefore part of the numerical definition and the number of threads is not: same seed, same bits.
"""

import contextlib
import contextvars
import hashlib
import os
import pathlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numba
import numpy as np

from .errors import remember_line, users_line, whole

Argument = TypeVar("Argument")
Result = TypeVar("Result")

BLOCK = 1024
_SMALL = 1 << 18  # multiply-adds below which handing work to another thread costs more than it saves
_inside_worker = threading.local()


def _source_hash() -> str:
    digest = hashlib.sha256()
    root = pathlib.Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> str | None:
    """A writable folder that belongs to exactly these sources, or None: numba's own cache misses changed
    helpers."""
    base = os.environ.get("NUMBA_CACHE_DIR") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "tensorprog_mf"
    )
    folder = pathlib.Path(base, "kernels-" + _source_hash())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


_CACHE_FOLDER = _cache_folder()


def kernel(*, sums: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a kernel over blocks of sites; `sums=True` lets LLVM reorder the additions inside a block."""
    fastmath = {"contract", "nsz", "arcp"} | ({"reassoc"} if sums else set())

    def decorate(function: Callable[..., Any]) -> Any:
        config: Any = numba.config
        before = config.CACHE_DIR
        config.CACHE_DIR = _CACHE_FOLDER or before
        try:
            return numba.njit(
                function, fastmath=fastmath, nogil=True, error_model="numpy", cache=_CACHE_FOLDER is not None
            )
        finally:
            config.CACHE_DIR = before

    return decorate


def thread_count(threads: int | None = None) -> int:
    """Threads to use: the argument, or as many as this process may run on."""
    if threads is not None:
        return whole("threads", threads, 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def block_count(sites: int) -> int:
    """Number of fixed blocks that `sites` are cut into."""
    return -(-sites // BLOCK)


def over_blocks(work: Callable[[int, int], None], sites: int, cost: int) -> None:
    """Call `work(first, last)` over all blocks, on the threads of `blocks_on_threads` if `cost` multiply-adds
    pay for it."""
    blocks = block_count(sites)
    pool = getattr(_inside_worker, "pool", None)
    if pool is None or cost < _SMALL or blocks == 1:
        work(0, blocks)
        return
    edges = np.linspace(0, blocks, min(_inside_worker.threads, blocks) + 1).astype(int)
    # A copy of the context takes numpy's error state along.
    futures = [
        pool.submit(contextvars.copy_context().run, work, int(a), int(b))
        for a, b in zip(edges[1:-1], edges[2:])
    ]
    work(0, int(edges[1]))
    for future in futures:
        future.result()


@contextlib.contextmanager
def blocks_on_threads(threads: int) -> Iterator[None]:
    """Inside, blocks of sites are shared among `threads` threads of this process."""
    if threads <= 1:
        yield
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        _inside_worker.pool, _inside_worker.threads = pool, threads
        try:
            yield
        finally:
            del _inside_worker.pool, _inside_worker.threads


def one_blas_thread() -> AbstractContextManager:
    """A context in which BLAS keeps one thread: on skinny products, or beside busy threads of ours, more cost
    3 to 90 times."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def map_runs(
    run: Callable[[Argument], Result],
    arguments: Iterable[Argument],
    threads: int | None = None,
    stop: Callable[[], object] = lambda: None,
) -> list[Result]:
    """`[run(a) for a in arguments]`: independent runs on threads, or one run with its blocks on threads.

    BLAS keeps one thread meanwhile. On Ctrl-C `stop` is called, after which runs are expected to end soon;
    those that had not begun are left out. A second Ctrl-C waits for nothing: KeyboardInterrupt leaves at
    once.
    """
    arguments = list(arguments)
    workers = min(thread_count(threads), max(len(arguments), 1))
    line, futures = users_line(), [Future[Result]() for _ in arguments]
    waiting: queue.SimpleQueue[tuple[Future[Result], Argument]] = queue.SimpleQueue()
    for job in zip(futures, arguments):
        waiting.put(job)

    def work() -> None:
        remember_line(line)
        with (
            contextlib.suppress(queue.Empty),
            blocks_on_threads(thread_count(threads) if workers == 1 else 1),
        ):
            while True:
                _run_one(run, *waiting.get_nowait())

    # Runs live on threads of their own even one by one, so that Ctrl-C reaches this one while they go on;
    # daemons, so that those which a second Ctrl-C leaves behind do not hold up the end of the process.
    crew = [threading.Thread(target=work, name="tensorprog_mf", daemon=True) for _ in range(workers)]
    with one_blas_thread():
        try:
            for thread in crew:
                thread.start()
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            stop()
            # All at once: waiting for one lets the next begin.
            begun = [future for future in futures if not future.cancel()]
            return [future.result() for future in begun]
        except BaseException:
            stop()
            wait([future for future in futures if not future.cancel()])
            raise


def _run_one(run: Callable[[Argument], Result], future: Future[Result], argument: Argument) -> None:
    """Run unless that was cancelled, and tell the future how it went."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(run(argument))
    except BaseException as error:
        future.set_exception(error)
