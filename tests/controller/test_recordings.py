"""Recordings over the API: what can be broadcast is prepared, all else is refused and leaves nothing."""

import io
import struct
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from loa.audio.recording import Limits
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.store.database import Database
from loa.protocol.bearer import make_token
from loa.protocol.ids import NodeId
from tests.controller.desk import LIMIT_BYTES, TZ, Browser, Desk, Office, application, open_office
from tests.controller.factories import Town

RATE_HZ = 8_000


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def wav(seconds: float = 1.5, *, gain: float = 0.2, declared: int | None = None) -> bytes:
    """A voice-like hum; `declared` is a number of samples that the header claims."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hum = gain * np.sin(2 * np.pi * 220 * at) * (1 + 0.5 * np.sin(2 * np.pi * 3 * at))
    samples = (np.clip(hum, -1, 1) * 32_767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    content = bytearray(out.getvalue())
    if declared is not None:
        struct.pack_into("<I", content, 4, declared * 2 + 36)
        struct.pack_into("<I", content, 40, declared * 2)
    return bytes(content)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("sound.wav", wav())
    return out.getvalue()


def upload(browser: Browser, content: bytes, name: str = "tin.mp3", **fields: str) -> httpx.Response:
    files: Any = {"file": (name, content, "audio/mpeg")}
    return browser.call("POST", "/recordings", files=files, data=fields)


def left(office: Office) -> list[str]:
    """What lies in the recordings' folder."""
    folder = office.desk.folder / "recordings"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_upload_becomes_a_recording_that_is_fetched_whole_or_in_parts(office: Office) -> None:
    answer = upload(office.mai, wav(2), chime="true")
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert 2_000 < kept["duration_ms"] < 6_000
    assert (kept["origin"], kept["created_by"]) == ("upload", "mai")
    assert abs(kept["loudness_lufs"] + 18) <= 1
    assert office.mai.get(f"/recordings/{kept['sha256']}") == kept
    path = f"/recordings/{kept['sha256']}/content"
    whole = office.mai.call("GET", path)
    assert len(whole.content) == kept["size_bytes"]
    assert whole.headers["etag"] == f'"{kept["sha256"]}"'
    assert "immutable" in whole.headers["cache-control"]
    part = office.mai.call("GET", path, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{kept['size_bytes']}"
    beyond = office.mai.call("GET", path, headers={"range": f"bytes={kept['size_bytes']}-"})
    assert beyond.status_code == 416
    known = office.mai.call("GET", path, headers={"if-none-match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_the_same_sound_sent_twice_is_kept_once(office: Office) -> None:
    first, second = upload(office.mai, wav()).json(), upload(office.hoa, wav()).json()
    assert first == second
    assert len(left(office)) == 1


BAD: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 422, "empty"),
    "truncated": (wav(1, declared=10 * RATE_HZ), 422, "truncated"),
    "oversized": (wav(1) + bytes(LIMIT_BYTES), 413, "too_large"),
    "silent": (wav(gain=0), 422, "silent"),
    "words": ("Kính thưa bà con".encode() * 50, 422, "not_audio"),
    "concat": (b"ffconcat version 1.0\nfile /etc/hostname\n", 422, "not_audio"),
    "hls": (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n", 422, "not_audio"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>', 422, "not_audio"),
    "zip": (zipped(), 422, "not_audio"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_leaves_nothing(office: Office, name: str) -> None:
    content, status, code = BAD[name]
    answer = upload(office.mai, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert left(office) == []
    assert upload(office.mai, wav()).status_code == 201


def test_a_day_of_sound_is_refused_by_its_length(office: Office) -> None:
    day = 24 * 3_600
    low = bytearray(wav(1, declared=day))
    struct.pack_into("<I", low, 24, 1)  # one sample a second
    struct.pack_into("<I", low, 28, 2)
    answer = upload(office.mai, bytes(low[:44]) + bytes(range(256)) * (day * 2 // 256))
    assert (answer.status_code, answer.json()["code"]) == (422, "too_long"), answer.text
    assert answer.json()["limit_ms"] == 600_000
    assert left(office) == []


def test_a_clipped_sound_is_taken_with_a_warning(office: Office) -> None:
    answer = upload(office.mai, wav(gain=4))
    assert answer.status_code == 201
    assert "clipped" in answer.json()["warnings"]


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "audio/mpeg"}, wav()),
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--c\r\n\r\nx"),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--b\r\n\r\nno name\r\n--b--\r\n"),
    ],
)
def test_a_body_that_is_no_form_with_a_file_is_refused(
    office: Office, headers: dict[str, str], content: bytes
) -> None:
    answer = office.mai.call("POST", "/recordings", headers=headers, content=content)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"bad_form", "file_missing"}
    assert left(office) == []


def test_nobody_uploads_without_signing_in(office: Office) -> None:
    stranger = Browser(application(), {})
    assert upload(stranger, wav()).status_code == 401
    assert left(office) == []


def test_a_full_disk_refuses_the_upload_and_nothing_is_left(sqlite_db: Database, tmp_path: Path) -> None:
    desk = Desk(Town(sqlite_db).build(), tmp_path)
    with open_office(sqlite_db, tmp_path, desk=desk) as office:
        bulletin = office.mai.post("/bulletins", desk.draft(text="Chữ còn nguyên"))
        fill(desk)
        answer = upload(office.mai, wav())
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full"), answer.text
        assert office.mai.get(f"/bulletins/{bulletin['id']}")["text"] == "Chữ còn nguyên"
        assert left(office) == []
        assert upload(office.mai, wav()).status_code == 201


def fill(desk: Desk) -> None:
    """The next upload is written to a device that is always full."""
    job = desk.folder / "recordings" / ".jobs"
    number = next(desk.clock_ids)
    place = job / f"{number + 1:032x}"
    place.mkdir(parents=True)
    (place / "source").symlink_to("/dev/full")


def test_a_text_is_read_out_and_says_what_it_reads_otherwise(office: Office) -> None:
    text = "UBND xã mời bà con tiêm phòng lúc 7h30."
    answer = office.mai.post("/speech", {"text": text, "chime": False})
    assert answer["recording"]["origin"] == "speech"
    assert answer["recording"]["duration_ms"] > 2_000
    assert answer["changes"][0]["original"] == "UBND"
    assert office.mai.post("/readings", {"text": text})["changes"] == answer["changes"]
    made = office.approved(recording=answer["recording"]["sha256"], text=text)
    assert made["document"]["text_sha256"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"text": ""}, "empty_text"),
        ({"text": " \n…"}, "empty_text"),
        ({"text": "Kính thưa bà con. " * 5_556}, "text_too_long"),
        ({"text": "Chào", "voice": "robot"}, "voice_unknown"),
    ],
)
def test_a_text_that_cannot_be_read_out_is_refused(
    office: Office, content: dict[str, str], code: str
) -> None:
    problem = office.mai.refused(422, "POST", "/speech", content)
    assert problem["code"] == code
    assert left(office) == []


def test_a_node_fetches_only_what_its_programmes_name(sqlite_db: Database, tmp_path: Path) -> None:
    with open_office(sqlite_db, tmp_path, nodes=False) as office:
        near = node(office, "loa-gan", "thon-thong-nhat")
        far = node(office, "loa-xa", "thon-minh-tan")
        kept = upload(office.mai, wav()).json()["sha256"]
        path = f"/recordings/{kept}/content"
        assert near.call("GET", path).status_code == 404
        when = {"tz": TZ, "start_local": "2026-11-23T10:00"}
        office.approved(recording=kept, plan={"audience": ["thon-thong-nhat"], "when": when})
        assert near.call("GET", path).status_code == 200
        assert far.call("GET", path).status_code == 404
        office.approved(recording=kept, plan={"audience": [COMMUNE], "when": when})
        assert far.call("GET", path).status_code == 200


def node(office: Office, name: str, parent: str) -> Browser:
    desk = office.desk
    key = desk.town.node(name, parent)
    token = make_token(NodeId(name), now=desk.clock.now(), key=key)
    return Browser(application(), {"authorization": f"Bearer {token}", "loa-node": name})


def test_limits_come_from_the_settings(sqlite_db: Database, tmp_path: Path) -> None:
    desk = Desk(Town(sqlite_db).build(), tmp_path, limits=Limits(max_bytes=1_000))
    with open_office(sqlite_db, tmp_path, desk=desk) as office:
        answer = upload(office.mai, wav())
        assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 1_000)


def test_only_who_writes_bulletins_makes_recordings(office: Office) -> None:
    office.desk.person("giam-sat", (COMMUNE, Role.SUPERVISOR))
    supervisor = office.browser("giam-sat")
    assert upload(supervisor, wav()).json()["code"] == "not_permitted"
    assert supervisor.call("POST", "/speech", json={"text": "Xin chào"}).status_code == 403
