"""Sounds that come in pieces: nothing that arrived is lost, and nobody else sees them."""

import base64
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import ClientDisconnect

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict
from loa.controller.services.uploads import MOST_OPEN
from loa.controller.store.database import Database
from tests.controller.desk import LIMIT_BYTES, Browser, Office, application, open_office
from tests.controller.test_recordings import left, wav

PIECE = "application/offset+octet-stream"


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def begin(browser: Browser, size: int, name: str = "Loa thôn.wav", **headers: str) -> httpx.Response:
    facts = f"filename {base64.b64encode(name.encode()).decode()}"
    return browser.call(
        "POST", "/uploads", headers={"upload-length": str(size), "upload-metadata": facts} | headers
    )


def begun(browser: Browser, size: int) -> str:
    answer = begin(browser, size)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"]).removeprefix("/api/v1")


def send(
    browser: Browser, address: str, offset: int, content: bytes | AsyncIterator[bytes]
) -> httpx.Response:
    headers = {"upload-offset": str(offset), "content-type": PIECE, "tus-resumable": "1.0.0"}
    return browser.call("PATCH", address, headers=headers, content=content)


def offset(browser: Browser, address: str) -> int:
    answer = browser.call("HEAD", address)
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def test_a_sound_in_pieces_becomes_the_same_recording_as_in_one(office: Office) -> None:
    content = wav(2)
    address = begun(office.mai, len(content))
    middle = len(content) // 3
    first = send(office.mai, address, 0, content[:middle])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(middle))
    early = office.mai.refused(409, "POST", f"{address}/recording")
    assert (early["code"], early["offset"]) == ("incomplete_upload", middle)
    assert send(office.mai, address, middle, content[middle:]).status_code == 204
    kept = office.mai.post(f"{address}/recording")
    whole = office.mai.call("POST", "/recordings", files={"file": ("a.wav", content, "audio/wav")}).json()
    assert kept["sha256"] == whole["sha256"]
    assert office.mai.post(f"{address}/recording") == kept
    told = office.mai.get(address)
    assert (told["name"], told["recording"], told["offset_bytes"]) == (
        "Loa thôn.wav",
        kept["sha256"],
        len(content),
    )


def test_what_had_arrived_of_a_piece_that_was_cut_off_counts(office: Office) -> None:
    content = wav(1)

    async def cut() -> AsyncIterator[bytes]:
        yield content[:1_000]
        yield content[1_000:1_500]
        raise ClientDisconnect

    address = begun(office.mai, len(content))
    send(office.mai, address, 0, cut())
    assert offset(office.mai, address) == 1_500
    again = send(office.mai, address, 0, content)
    assert (again.status_code, again.json()["offset"]) == (409, 1_500)
    assert send(office.mai, address, 1_500, content[1_500:]).status_code == 204
    assert office.mai.post(f"{address}/recording")["origin"] == "upload"


def test_a_dead_connection_cannot_write_once_a_later_one_goes_on(office: Office) -> None:
    uploads, mai = office.desk.uploads, office.desk.mai
    upload = uploads.begin(mai, size_bytes=30)
    dead = uploads.add(mai, upload.id, 0)
    dead.write(b"a" * 10)
    alive = uploads.add(mai, upload.id, 10)
    with pytest.raises(Conflict):
        dead.write(b"b" * 10)
    alive.write(b"c" * 20)
    dead.close()
    assert alive.close() == 30
    assert uploads.offset(upload) == 30


def test_two_who_finish_at_once_get_the_same_recording(office: Office) -> None:
    uploads, mai, content = office.desk.uploads, office.desk.mai, wav(1)
    upload = uploads.begin(mai, size_bytes=len(content))
    piece = uploads.add(mai, upload.id, 0)
    piece.write(content)
    piece.close()
    kept: list[str] = []
    threads = [
        threading.Thread(target=lambda: kept.append(uploads.finish(mai, upload.id).sha256)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(kept) == 2
    assert len(set(kept)) == 1


def test_for_others_an_upload_is_not_there(office: Office) -> None:
    address = begun(office.mai, 100)
    for method, path in (
        ("GET", address),
        ("DELETE", address),
        ("POST", f"{address}/recording"),
        ("GET", "/uploads/..%2f..%2floa.db"),
        ("GET", f"/uploads/{'f' * 32}"),
    ):
        assert office.hoa.call(method, path).status_code == 404, (method, path)
    assert send(office.hoa, address, 0, b"x").status_code == 404
    assert office.hoa.call("HEAD", address).status_code == 404
    assert Browser(application(), {}).call("GET", address).status_code == 401
    assert offset(office.mai, address) == 0


def test_what_is_too_large_or_empty_or_not_permitted_is_refused_before_it_is_sent(office: Office) -> None:
    office.desk.person("giam-sat", (COMMUNE, Role.SUPERVISOR))
    assert begin(office.browser("giam-sat"), 100).status_code == 403
    large = begin(office.mai, LIMIT_BYTES + 1)
    assert (large.status_code, large.json()["limit_bytes"]) == (413, LIMIT_BYTES)
    assert begin(office.mai, 0).json()["code"] == "empty"
    assert begin(office.mai, 10, **{"upload-metadata": "filename ?"}).json()["code"] == "bad_metadata"
    assert begin(office.mai, 10, **{"tus-resumable": "0.2.2"}).status_code == 412
    address = begun(office.mai, 10)
    assert send(office.mai, address, 0, bytes(11)).json()["code"] == "more_than_announced"
    assert office.mai.call("PATCH", address, headers={"upload-offset": "0"}).status_code == 415


def test_what_is_no_sound_is_told_and_gone(office: Office) -> None:
    content = "Kính thưa bà con".encode() * 50
    address = begun(office.mai, len(content))
    send(office.mai, address, 0, content)
    assert office.mai.refused(422, "POST", f"{address}/recording")["code"] == "not_audio"
    assert office.mai.call("GET", address).status_code == 404
    assert left(office) == []


def test_abandoned_uploads_expire_and_those_that_go_on_stay(office: Office) -> None:
    old, new = begun(office.mai, 10), begun(office.mai, 10)
    office.desk.clock.forward(hours=71)
    send(office.mai, new, 0, b"abc")
    office.desk.clock.forward(hours=2)
    office.desk.uploads.expire()
    assert office.mai.call("GET", old).status_code == 404
    assert offset(office.mai, new) == 3


def test_a_person_has_so_many_uploads_and_the_oldest_gives_way(office: Office) -> None:
    addresses = []
    for _ in range(MOST_OPEN + 1):
        office.desk.clock.forward(seconds=1)
        addresses.append(begun(office.mai, 10))
    there = [office.mai.call("GET", address).status_code for address in addresses]
    assert there == [404] + [200] * MOST_OPEN


def test_a_wave_is_drawn_once_and_kept_beside_the_recording(office: Office) -> None:
    half = wav(2, gain=0.3)[:-16_000] + bytes(16_000)
    kept = office.mai.call("POST", "/recordings", files={"file": ("a.wav", half, "audio/wav")}).json()
    answer = office.mai.call("GET", f"/recordings/{kept['sha256']}/peaks")
    heights = answer.json()["peaks"]
    assert "immutable" in answer.headers["cache-control"]
    assert (len(heights), max(heights)) == (400, 100)
    assert min(heights[10:180]) > 40
    assert max(heights[220:]) < 10
    [place] = [name for name in left(office) if name.endswith(".peaks")]
    (office.desk.folder / "recordings" / place).write_bytes(bytes([7] * 400))
    assert office.mai.get(f"/recordings/{kept['sha256']}/peaks")["peaks"][0] == 7
