"""The fetcher against a real HTTP server that breaks off, lies and forgets; and the thread that drives it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

import pytest

from loa.node_agent.adapters.downloads import BackgroundDownloads
from loa.node_agent.adapters.http import HttpFetcher
from loa.node_agent.errors import FetchFailedError, FetchStoppedError, StorageFullError, WrongDigestError
from loa.node_agent.ports import Arrival, Crashed, Fetched, FetchTrouble, Job
from loa.protocol.bearer import check_token
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.units import SizeBytes
from tests.fakes.node_world import SystemTime
from tests.node_agent.makers import NODE
from tests.waiting import wait_for

CONTENT = bytes(range(256)) * 1_000
KEY = SigningKey.generate()


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
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- http.server's signature
        return


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.asked: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.break_off_after: int | None = None
        self.knows_ranges = True
        self.failed: list[object] = []
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, _request: object, client_address: object) -> None:
        """The client hung up, as it does when it gives way."""
        self.failed.append(client_address)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server
        server.shutdown()


@pytest.fixture
def fetcher(server: Server) -> Iterator[HttpFetcher]:
    fetcher = HttpFetcher(
        f"http://127.0.0.1:{server.server_address[1]}", node=NODE, key=KEY, clock=SystemTime()
    )
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
    fetcher = HttpFetcher(f"http://[::1]:{free_port('::1')}", node=NODE, key=KEY, clock=SystemTime())
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
