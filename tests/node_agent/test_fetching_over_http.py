"""The fetcher against a real HTTP server that breaks off, lies and forgets; and the thread that drives it."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate, count
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

import pytest

from loa.node_agent.adapters.downloads import BackgroundDownloads, Failure, not_before
from loa.node_agent.adapters.http import HttpFetcher
from loa.node_agent.adapters.tls import web_context
from loa.node_agent.errors import FetchFailedError, FetchStoppedError, StorageFullError, WrongDigestError
from loa.node_agent.ports import Arrival, Crashed, Fetched, FetchTrouble, Job
from loa.protocol.bearer import check_token
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.units import SizeBytes
from tests.certificates import AUTHORITY
from tests.fakes.node_world import SystemTime
from tests.node_agent.makers import NODE
from tests.waiting import wait_for

CONTENT = bytes(range(256)) * 1_000
KEY = SigningKey.generate()
CONTEXT = web_context(AUTHORITY.pem)


_PIECE_BYTES = 4_096


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(dict(self.headers))
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if server.knows_ranges else 0
        status = server.statuses.pop(0) if server.statuses else 206 if begin else 200
        body = server.content[begin:] if status < 300 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.break_off_after is not None:
            body, server.break_off_after = body[: server.break_off_after], None
            self.close_connection = True
        for begin in range(0, len(body), _PIECE_BYTES):
            piece = body[begin : begin + _PIECE_BYTES]
            self.wfile.write(piece)
            server.sent.append((time.monotonic(), len(piece)))
        if server.stalls_after_body:
            server.stalls_after_body = False
            server.resumes.wait(60)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- http.server's signature
        return


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.asked: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.break_off_after: int | None = None
        self.stalls_after_body = False
        """After what it sends it keeps the connection and says nothing more, as a lost network does."""
        self.resumes = Event()
        self.sent: list[tuple[float, int]] = []
        """When how many bytes were taken from the server, over all requests."""
        self.knows_ranges = True
        self.failed: list[object] = []
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        """What the server's own system keeps is small, so that `sent` tells what the client took."""
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE_BYTES)
        return connection, address

    def handle_error(self, _request: object, client_address: object) -> None:
        """The client hung up, as it does when it gives way."""
        self.failed.append(client_address)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server
        server.resumes.set()
        server.shutdown()


KERNEL_BYTES = 100_000
"""What buffers between the two ends take in beyond what was read; without a small window it is megabytes."""


def make_fetcher(server: Server, **given: Any) -> HttpFetcher:  # noqa: ANN401 -- the fetcher's own
    url = f"http://127.0.0.1:{server.server_address[1]}"
    return HttpFetcher(lambda: url, node=NODE, key=KEY, context=CONTEXT, clock=SystemTime(), **given)


@pytest.fixture
def fetcher(server: Server) -> Iterator[HttpFetcher]:
    fetcher = make_fetcher(server)
    yield fetcher
    fetcher.close()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    into = tmp_path / "recordings" / "sound.ogg"
    return Job("/api/v1/recordings/x/content", sha256_hex(CONTENT), SizeBytes(len(CONTENT)), into)


def never() -> bool:
    return False


def test_it_fetches_with_the_token_of_the_node(server: Server, fetcher: HttpFetcher, job: Job) -> None:
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT
    assert [path.name for path in job.into.parent.iterdir()] == ["sound.ogg"]
    headers = server.asked[0]
    assert headers["Loa-Node"] == NODE
    token = headers["Authorization"].removeprefix("Bearer ")
    check_token(token, NODE, now=datetime.now(UTC), keys=KeyRing([KEY.public]))


def test_after_a_break_it_goes_on_where_it_was(server: Server, fetcher: HttpFetcher, job: Job) -> None:
    server.break_off_after = 100_000
    with pytest.raises(FetchFailedError):
        fetcher.fetch(job, is_stopped=never)
    assert not job.into.exists()
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT
    assert server.asked[1]["Range"] == "bytes=100000-"


def test_cut_after_cut_no_byte_comes_twice(server: Server, fetcher: HttpFetcher, job: Job) -> None:
    cuts = [1, 777, 40_000, 33_333, 100_001]
    for cut in cuts:
        server.break_off_after = cut
        with pytest.raises(FetchFailedError):
            fetcher.fetch(job, is_stopped=never)
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT
    assert sum(size_bytes for _, size_bytes in server.sent) == len(CONTENT)
    starts = [0, *(sum(cuts[: number + 1]) for number in range(len(cuts)))]
    assert [headers.get("Range") for headers in server.asked] == [
        f"bytes={start}-" if start else None for start in starts
    ]


def test_what_came_before_the_network_fell_silent_is_not_fetched_again(server: Server, job: Job) -> None:
    server.break_off_after, server.stalls_after_body = 33_333, True
    fetcher = make_fetcher(server, read_s=0.5)
    with pytest.raises(FetchFailedError):
        fetcher.fetch(job, is_stopped=never)
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT
    assert server.asked[1]["Range"] == "bytes=33333-"
    fetcher.close()


def test_a_rate_holds_on_the_wire_over_jobs_and_spares_what_has_none(server: Server, tmp_path: Path) -> None:
    content = bytes(len(CONTENT))
    rate = 400_000
    fetcher = make_fetcher(server)
    for number in range(2):
        server.content = CONTENT if number == 0 else content
        job = Job(
            "/x", sha256_hex(server.content), SizeBytes(len(CONTENT)), tmp_path / f"{number}", 0.0, rate
        )
        fetcher.fetch(job, is_stopped=never)
    began_at = server.sent[0][0]
    for at, came in accumulated(server.sent):
        assert came <= rate * (at - began_at + 0.25) + KERNEL_BYTES, f"after {at - began_at:.2f} s"
    took_s = server.sent[-1][0] - began_at
    assert took_s >= (2 * len(CONTENT) - KERNEL_BYTES) / rate - 0.25
    server.sent.clear()
    fetcher.fetch(Job("/x", sha256_hex(content), SizeBytes(len(content)), tmp_path / "2"), is_stopped=never)
    assert server.sent[-1][0] - server.sent[0][0] < took_s / 2
    fetcher.close()


def test_a_slow_fetch_gives_way_while_it_waits(server: Server, job: Job) -> None:
    waited: list[float] = []
    fetcher = make_fetcher(server, wait=waited.append)
    slow = replace(job, rate_bytes_s=1_000)
    with pytest.raises(FetchStoppedError):
        fetcher.fetch(slow, is_stopped=lambda: len(waited) >= 3)
    assert len(waited) == 3
    assert max(waited) <= 0.1, "an emergency does not wait for a second"
    fetcher.close()


def accumulated(sent: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """When how much had gone in all."""
    return list(zip((at for at, _ in sent), accumulate(size_bytes for _, size_bytes in sent), strict=True))


def test_a_server_without_ranges_sends_all_of_it_again(
    server: Server, fetcher: HttpFetcher, job: Job
) -> None:
    server.knows_ranges = False
    server.break_off_after = 100_000
    with pytest.raises(FetchFailedError):
        fetcher.fetch(job, is_stopped=never)
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT


def test_a_refused_range_begins_anew(server: Server, fetcher: HttpFetcher, job: Job) -> None:
    job.into.parent.mkdir()
    part = job.into.with_name("sound.ogg.part")
    part.write_bytes(CONTENT[:50])
    server.statuses = [416]
    with pytest.raises(FetchFailedError, match="416"):
        fetcher.fetch(job, is_stopped=never)
    fetcher.fetch(job, is_stopped=never)
    assert "Range" not in server.asked[1]
    assert job.into.read_bytes() == CONTENT


@pytest.mark.parametrize("lie", [CONTENT[:-1] + b"x", CONTENT + b"more"], ids=["changed", "longer"])
def test_other_bytes_are_refused_and_fetched_anew(
    server: Server, fetcher: HttpFetcher, job: Job, lie: bytes
) -> None:
    server.content = lie
    with pytest.raises(WrongDigestError):
        fetcher.fetch(job, is_stopped=never)
    assert not job.into.exists()
    server.content = CONTENT
    fetcher.fetch(job, is_stopped=never)
    assert job.into.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 404, 503])
def test_another_answer_is_a_failure_by_its_status(
    server: Server, fetcher: HttpFetcher, job: Job, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(FetchFailedError) as caught:
        fetcher.fetch(job, is_stopped=never)
    assert caught.value.status == status


def test_it_gives_way_and_keeps_what_came(fetcher: HttpFetcher, job: Job) -> None:
    with pytest.raises(FetchStoppedError):
        fetcher.fetch(job, is_stopped=lambda: True)
    assert 0 < job.into.with_name("sound.ogg.part").stat().st_size < len(CONTENT)


def test_nobody_there_is_a_failure(job: Job, free_port: Any) -> None:  # noqa: ANN401 -- the fixture of tests/conftest.py
    url = f"https://[::1]:{free_port('::1')}"
    fetcher = HttpFetcher(lambda: url, node=NODE, key=KEY, context=CONTEXT, clock=SystemTime())
    with pytest.raises(FetchFailedError):
        fetcher.fetch(job, is_stopped=never)


def test_a_full_disk_is_told_by_name(fetcher: HttpFetcher, job: Job) -> None:
    job.into.parent.mkdir()
    job.into.with_name("sound.ogg.part").symlink_to("/dev/full")
    with pytest.raises(StorageFullError, match="sound"):
        fetcher.fetch(job, is_stopped=never)


class FakeFetch:
    """Does what `answers` say, and waits where `gate` is given until it is told to stop."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: list[Exception] = []
        self.holds = Event()

    def fetch(self, job: Job, *, is_stopped: Any) -> None:  # noqa: ANN401 -- as in the port
        self.asked.append(job.path)
        if job.path == "/slow":
            self.holds.set()
            wait_for(is_stopped, what="the order to stop")
            raise FetchStoppedError(job.path)
        if self.answers:
            raise self.answers.pop(0)


def make_job(path: str, *, not_before: float = 0.0) -> Job:
    return Job(path, sha256_hex(path.encode()), SizeBytes(1), Path(path), not_before)


@pytest.fixture
def inbox() -> Queue[Arrival]:
    return Queue(10)


def following(inbox: Queue[Arrival]) -> Arrival:
    return inbox.get(timeout=30)


def test_what_is_wanted_first_comes_first(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/a"), make_job("/b")])
    came = [following(inbox), following(inbox)]
    assert [one.job.path for one in came if isinstance(one, Fetched)] == ["/a", "/b"]
    downloads.close()


def test_a_more_urgent_one_takes_the_turn_of_one_under_way(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/slow")])
    assert fetch.holds.wait(30)
    downloads.want([make_job("/alarm"), make_job("/slow")])
    came = following(inbox)
    assert isinstance(came, Fetched)
    assert came.job.path == "/alarm"
    downloads.close()


def test_a_failure_is_told_and_tried_again(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    fetch.answers = [FetchFailedError("/a", "no answer"), WrongDigestError("a", "b")]
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/a")])
    first, second, third = (following(inbox) for _ in range(3))
    assert isinstance(first, FetchTrouble)
    assert isinstance(second, FetchTrouble)
    assert (first.attempt, second.attempt) == (1, 2)
    assert isinstance(third, Fetched)
    downloads.close()


@pytest.mark.parametrize(
    ("attempt", "longest_wait_s", "expected"),
    [(1, 300, 100.75), (3, 300, 103), (9, 300, 292), (20, 300, 325), (2_000, 300, 325), (20, 15, 111.25)],
)
def test_waits_double_up_to_the_longest_and_what_became_urgent_waits_less(
    attempt: int, longest_wait_s: float, expected: float
) -> None:
    job = replace(make_job("/a"), longest_wait_s=longest_wait_s)
    assert not_before(job, Failure(attempt, 100.0, 0.75)) == expected
    assert not_before(replace(job, not_before=900.0), Failure(attempt, 100.0, 0.75)) == 900
    assert not_before(job, None) == 0


class Hurry(SystemTime):
    """Every wait is over at once."""

    def __init__(self) -> None:
        self._ticks = count(0.0, 1000.0)

    def monotonic(self) -> float:
        return next(self._ticks)


def test_weeks_of_failures_change_nothing_but_the_count(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    fetch.answers = [FetchFailedError("/a", "no answer") for _ in range(1100)]
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=Hurry())
    downloads.want([make_job("/a")])
    came = [following(inbox) for _ in range(1101)]
    assert isinstance(came[-1], Fetched), came[-1]
    downloads.close()


def test_what_came_is_not_fetched_again_until_it_is_wanted_anew(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/a")])
    following(inbox)
    downloads.want([make_job("/a"), make_job("/b")])  # the agent has not looked into its inbox yet
    following(inbox)
    assert fetch.asked == ["/a", "/b"]
    downloads.want([])
    downloads.want([make_job("/a")])
    following(inbox)
    assert fetch.asked == ["/a", "/b", "/a"]
    downloads.close()


def test_a_job_waits_for_its_time(inbox: Queue[Arrival]) -> None:
    downloads = BackgroundDownloads(FakeFetch(), inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/later", not_before=SystemTime().monotonic() + 3600), make_job("/now")])
    came = following(inbox)
    assert isinstance(came, Fetched)
    assert came.job.path == "/now"
    with pytest.raises(Empty):
        inbox.get_nowait()
    downloads.close()


def test_an_error_that_nobody_expects_ends_the_agent(inbox: Queue[Arrival]) -> None:
    fetch = FakeFetch()
    fetch.answers = [ZeroDivisionError("a defect")]
    downloads = BackgroundDownloads(fetch, inbox=inbox, clock=SystemTime())
    downloads.want([make_job("/a")])
    assert isinstance(following(inbox), Crashed)
    downloads.close()
