import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET
from ssl import SSLContext

import urllib3
from urllib3.connection import HTTPConnection

from loa.node_agent.adapters.folders import sync_folder
from loa.node_agent.adapters.recordings import digest_of
from loa.node_agent.core.bucket import Bucket
from loa.node_agent.errors import (
    FetchFailedError,
    FetchStoppedError,
    StorageError,
    StorageFailingError,
    StorageFullError,
    StorageReadOnlyError,
    WrongDigestError,
)
from loa.node_agent.ports import Job, Timekeeper
from loa.protocol.bearer import make_token
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey

_Option = tuple[int, int, int | bytes]
_CHUNK_BYTES = 32_768
_SLOW_WINDOW_BYTES = 32_768
"""What the system takes in of a slow fetch before it is read; else it would take all at full speed."""
_CONNECT_S, _READ_S = 5.0, 10.0
_LOOK_EVERY_S = 0.1
"""How long a slow fetch waits at most before it looks whether something more urgent has come."""
_OK, _PARTIAL, _BAD_RANGE = 200, 206, 416
_TROUBLES: dict[int, type[StorageError]] = {
    errno.ENOSPC: StorageFullError,
    errno.EDQUOT: StorageFullError,
    errno.EROFS: StorageReadOnlyError,
    errno.EIO: StorageFailingError,
}


class HttpFetcher:
    """Fetches what a job names over HTTPS, whole or from where it stopped; for one thread.

    Every request carries `Authorization: Bearer` with a token signed by the node's key, and `Loa-Node`. A job
    with a rate is read no faster than that, and all such jobs together. `wait` lets so many seconds pass;
    after `read_s` without a byte a fetch has failed. `base_url` is asked for each fetch.
    """

    def __init__(
        self,
        base_url: Callable[[], str],
        *,
        node: NodeId,
        key: SigningKey,
        context: SSLContext,
        clock: Timekeeper,
        wait: Callable[[float], None] = time.sleep,
        read_s: float = _READ_S,
    ) -> None:
        self._base_url = base_url
        self._node = node
        self._key = key
        self._clock = clock
        timeout = urllib3.Timeout(connect=_CONNECT_S, read=read_s)
        plain = HTTPConnection.default_socket_options
        self._pool = _pool(timeout, context, plain)
        self._slow_pool = _pool(timeout, context, [*plain, (SOL_SOCKET, SO_RCVBUF, _SLOW_WINDOW_BYTES)])
        self._wait = wait
        self._bucket = Bucket(clock.monotonic())

    def fetch(self, job: Job, *, is_stopped: Callable[[], bool]) -> None:
        """Let `job.into` hold the bytes with the digest of the job; atomic, and synced to the disk.

        What came before a break stays in `<name>.part` and is gone on from. Raises `FetchError`s and
        `StorageError`s.
        """
        part = job.into.with_name(job.into.name + ".part")
        with _minding_the_disk(part):
            part.parent.mkdir(parents=True, exist_ok=True)
            if not _is_whole(part, job):
                self._download(job, part, is_stopped)
            _check(part, job)
            _put_in_place(part, job.into)

    def close(self) -> None:
        """Drop the connections."""
        self._pool.clear()
        self._slow_pool.clear()

    def _download(self, job: Job, part: Path, is_stopped: Callable[[], bool]) -> None:
        have = part.stat().st_size if part.exists() else 0
        try:
            with self._get(job, have) as answer:
                _check_status(job, answer.status, part)
                with part.open("ab" if answer.status == _PARTIAL else "wb") as file:
                    while chunk := answer.read1(_CHUNK_BYTES, decode_content=False):
                        _take(file.fileno(), chunk, job)
                        self._hold_back(job, len(chunk), is_stopped)
                    os.fsync(file.fileno())
        except urllib3.exceptions.HTTPError as error:
            raise FetchFailedError(job.path, str(error)[:200]) from error

    def _hold_back(self, job: Job, size_bytes: int, is_stopped: Callable[[], bool]) -> None:
        """Wait as long as the job's rate says, unless it is to stop."""
        wait_s = 0.0
        if job.rate_bytes_s is not None:
            wait_s = self._bucket.take(size_bytes, job.rate_bytes_s, self._clock.monotonic())
        while not is_stopped():
            if wait_s <= 0:
                return
            self._wait(min(wait_s, _LOOK_EVERY_S))
            wait_s -= _LOOK_EVERY_S
        raise FetchStoppedError(job.path)

    @contextmanager
    def _get(self, job: Job, have: int) -> Iterator[urllib3.BaseHTTPResponse]:
        token = make_token(self._node, now=self._clock.now(), key=self._key)
        headers = {"Authorization": f"Bearer {token}", "Loa-Node": self._node, "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        url = self._base_url().rstrip("/") + job.path
        pool = self._pool if job.rate_bytes_s is None else self._slow_pool
        answer = pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        try:
            yield answer
        finally:
            answer.close()


def _pool(timeout: urllib3.Timeout, context: SSLContext, options: Sequence[_Option]) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        num_pools=1,
        maxsize=1,
        retries=False,
        timeout=timeout,
        ssl_context=context,
        socket_options=options,
    )


def _check_status(job: Job, status: int, part: Path) -> None:
    if status in {_OK, _PARTIAL}:
        return
    if status == _BAD_RANGE:
        part.unlink(missing_ok=True)
    raise FetchFailedError(job.path, f"the controller answered {status}", status)


def _take(file: int, chunk: bytes, job: Job) -> None:
    """More than was named can't be right; the digest of what came is looked at later."""
    written = 0
    while written < len(chunk):
        written += os.write(file, chunk[written:])
    size_bytes = os.fstat(file).st_size
    if size_bytes > job.size_bytes:
        os.ftruncate(file, 0)
        raise WrongDigestError(job.sha256, hashlib.sha256(chunk).hexdigest())


def _is_whole(part: Path, job: Job) -> bool:
    return part.exists() and part.stat().st_size == job.size_bytes


def _check(part: Path, job: Job) -> None:
    if part.stat().st_size < job.size_bytes:
        raise FetchFailedError(job.path, f"broke off after {part.stat().st_size} of {job.size_bytes} bytes")
    found = digest_of(part)
    if found != job.sha256:
        part.unlink()
        raise WrongDigestError(job.sha256, found)


def _put_in_place(part: Path, into: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(into)
    sync_folder(into.parent)


@contextmanager
def _minding_the_disk(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        trouble = _TROUBLES.get(error.errno or 0)
        if trouble is None:
            raise
        raise trouble(str(part)) from error
