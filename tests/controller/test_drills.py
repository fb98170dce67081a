"""Raising an alarm and rehearsing one: what each needs, how they sound, and what keeps them apart."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from loa.audio.find import decode
from loa.audio.player import RATE_HZ
from loa.audio.siren import write_opening
from loa.audio.speak import EspeakSpeaker
from loa.controller.core.access import Role
from loa.controller.core.drills import CLOSING, PREFACE, drill_text
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.standing_texts import TEXTS, TITLES, WARNINGS
from loa.controller.services.bulletins import text_digest
from loa.controller.store.bulletins import is_spoken
from loa.controller.store.database import Database
from loa.protocol.broadcast import Broadcast
from loa.protocol.errors import MalformedError
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass, StandingMessage
from tests.controller.desk import JSON, Office, match, open_office
from tests.controller.factories import PROVINCE

Floats = NDArray[np.float32]
TEXT = "Nước suối đang lên. Bà con thôn Minh Tân lên nhà văn hóa."
ONCE = {"idempotency-key": "0123456789"}


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def stand(office: Office, message: StandingMessage, origin: str = "upload") -> str:
    """A recording that stands for the message."""
    sha256 = office.desk.recording(28_000, message.value, origin)
    admin = office.desk.person("admin", (PROVINCE, Role.ADMIN))
    with office.desk.db.work() as work:
        office.desk.standing.replace(work, admin, message, RecordingId(sha256))
    return sha256


def spoken(office: Office, sha256: str, text: str) -> bool:
    with office.desk.db.look() as session:
        return is_spoken(session, sha256, text_digest(text))


def asked(**changes: object) -> JSON:
    return {"audience": [COMMUNE]} | changes


def test_one_request_raises_a_standing_message_as_an_emergency(office: Office) -> None:
    sha256 = stand(office, StandingMessage.FLOOD)
    made = office.hoa.post("/emergencies", asked(message="flood"))["broadcast"]["document"]
    assert (made["class"], made["title"], made["issuer"]) == ("emergency", "Lũ lên nhanh", COMMUNE)
    assert made["source"]["recording"] == sha256
    assert "drill" not in made or made["drill"] is None
    assert office.desk.town.publisher.emergencies


def test_a_text_becomes_an_alarm_that_opens_with_the_siren_and_a_correction_with_the_chime(
    office: Office,
) -> None:
    made = office.hoa.post("/emergencies", asked(text=TEXT))["broadcast"]["document"]
    loud = office.hoa.get(f"/recordings/{made['source']['recording']}")
    assert (loud["origin"], made["title"]) == ("alarm", "Nước suối đang lên. Bà con thôn Minh")
    again = office.hoa.post("/emergencies", asked(text=TEXT, calm=True))["broadcast"]["document"]
    calm = office.hoa.get(f"/recordings/{again['source']['recording']}")
    assert calm["origin"] == "speech"
    assert made["text_sha256"] == again["text_sha256"] == text_digest(TEXT)


def test_a_request_that_is_sent_twice_sounds_once(office: Office) -> None:
    stand(office, StandingMessage.FIRE)
    wish = asked(message="fire")
    first = office.hoa.post("/emergencies", wish, headers=ONCE)
    office.desk.clock.forward(seconds=3)
    assert office.hoa.post("/emergencies", wish, headers=ONCE) == first
    assert len(office.hoa.get("/broadcasts")["items"]) == 1


def test_who_may_not_raise_alarms_may_not_rehearse_them_and_nobody_beyond_their_area(office: Office) -> None:
    stand(office, StandingMessage.FLOOD)
    for path in ("/emergencies", "/drills"):
        office.mai.refused(403, "POST", path, asked(message="flood"))
        office.hoa.refused(404, "POST", path, asked(message="flood", audience=[PROVINCE]))
        office.hoa.refused(404, "POST", path, asked(message="flood", audience=["nowhere"]))
        assert office.hoa.refused(422, "POST", path, asked(message="flood", audience=[]))["code"]
    office.desk.person("village", (VILLAGES[0], Role.APPROVER))
    office.browser("village").refused(404, "POST", "/emergencies", asked(message="flood"))
    assert office.hoa.get("/broadcasts")["items"] == []


def test_a_message_that_is_being_made_is_refused_and_says_what_to_do(office: Office) -> None:
    problem = office.hoa.refused(503, "POST", "/emergencies", asked(message="storm"))
    assert problem["code"] == "standing_not_ready"


def test_a_drill_says_so_first_has_no_siren_and_is_no_emergency(office: Office) -> None:
    own = stand(office, StandingMessage.FLOOD, "alarm")
    made = office.hoa.post("/drills", asked(message="flood"))["broadcast"]["document"]
    sound = office.hoa.get(f"/recordings/{made['source']['recording']}")
    assert (made["class"], made["drill"], made["title"]) == ("priority", True, "Diễn tập: Lũ lên nhanh")
    assert made["source"]["recording"] != own
    assert sound["origin"] == "drill"
    assert spoken(office, sound["sha256"], drill_text(TEXTS[StandingMessage.FLOOD]))
    assert made["text_sha256"] == text_digest(drill_text(TEXTS[StandingMessage.FLOOD]))
    again = office.hoa.post("/drills", asked(message="flood"))["broadcast"]["document"]
    assert again["source"] == made["source"]


def test_quiet_hours_refuse_a_drill_and_not_an_alarm(office: Office) -> None:
    stand(office, StandingMessage.FLOOD)
    office.desk.clock.at = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)  # 03:15 in the commune
    problem = office.hoa.refused(422, "POST", "/drills", asked(message="flood"))
    assert problem["code"] == "quiet_hours"
    assert office.hoa.get("/bulletins")["items"] == []
    office.hoa.post("/emergencies", asked(message="flood"))


def test_the_siren_is_not_to_be_had_in_a_drill(office: Office) -> None:
    stand(office, StandingMessage.SIREN)
    assert office.hoa.refused(422, "POST", "/drills", asked(message="siren"))["code"] == "siren_in_drill"


@pytest.mark.parametrize(
    ("drill", "origin", "class_", "code"),
    [
        (True, "drill", "emergency", "drill_no_emergency"),
        (True, "speech", "normal", "drill_not_announced"),
        (True, "alarm", "priority", "drill_not_announced"),
        (False, "drill", "normal", "announced_as_drill"),
        (False, "drill", "emergency", "announced_as_drill"),
    ],
)
def test_test_and_live_are_not_confused(
    office: Office,
    *,
    drill: bool,
    origin: str,
    class_: str,
    code: str,
) -> None:
    recording = office.desk.recording(name=f"{origin} {drill}", origin=origin)
    draft = office.desk.draft(recording=recording, drill=drill, **{"class": class_})
    made = office.mai.post("/bulletins", draft)
    problem = office.mai.refused(422, "POST", f"/bulletins/{made['id']}/submit", headers=match(made))
    assert problem["code"] == code


def test_a_planned_drill_takes_the_ordinary_way_of_two_people(office: Office) -> None:
    sound = office.mai.post("/speech", {"text": TEXT, "drill": True})["recording"]
    draft = office.desk.draft(recording=sound["sha256"], text=TEXT, drill=True)
    made = office.approve(office.mai, office.hoa, draft)
    assert (made["document"]["drill"], made["document"]["class"]) == (True, "normal")


def test_the_document_of_what_is_in_earnest_has_no_word_of_drills(office: Office) -> None:
    stand(office, StandingMessage.FLOOD)
    office.hoa.post("/emergencies", asked(message="flood"))
    ((_, entry),) = office.desk.town.publisher.emergencies
    assert "drill" not in entry.document
    rehearsed = entry.broadcast.model_copy(update={"drill": True, "class_": BroadcastClass.NORMAL})
    assert b'"drill":true' in rehearsed.to_bytes()
    confused = rehearsed.model_copy(update={"class_": BroadcastClass.EMERGENCY})
    with pytest.raises(MalformedError, match="a drill is no emergency"):
        Broadcast.from_bytes(confused.to_bytes())


def test_the_words_of_a_drill() -> None:
    once = drill_text(f"  {TEXT} ")
    assert once == f"{PREFACE} {TEXT} {CLOSING}"
    assert drill_text(once) == once
    assert PREFACE.count("Đây là diễn tập") == 2
    assert set(TITLES) == set(StandingMessage)
    assert set(TEXTS) > WARNINGS


def test_an_alarm_begins_with_the_siren_and_a_drill_with_its_preface(office: Office, tmp_path: Path) -> None:
    recordings = office.desk.recordings
    alarm, _ = recordings.speak_alarm(office.desk.hoa, TEXT)
    drill, _ = recordings.speak_drill(office.desk.hoa, TEXT)
    write_opening(tmp_path / "siren.wav")
    EspeakSpeaker().speak(PREFACE, recordings.voices[0], tmp_path / "preface.wav")
    siren, preface = (decode(tmp_path / f"{name}.wav", RATE_HZ) for name in ("siren", "preface"))
    sounds = {
        name: decode(recordings.path(kept.sha256), RATE_HZ)
        for name, kept in (("alarm", alarm), ("drill", drill))
    }
    wail = siren[: 3 * RATE_HZ]
    assert likeness(sounds["alarm"], wail) > 0.8
    assert likeness(sounds["drill"], wail) < 0.2
    assert likeness(sounds["drill"][: 8 * RATE_HZ], preface[: 2 * RATE_HZ]) > 0.5


def likeness(sound: Floats, part: Floats) -> float:
    """The best correlation of the part anywhere in the sound."""
    size = 1 << (len(sound) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[: len(sound)]
    sums = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=float))])
    ends = np.minimum(np.arange(len(sound)) + len(part), len(sound))
    energy = np.sqrt(np.maximum(sums[ends] - sums[: len(sound)], 1e-3)) * np.linalg.norm(part)
    return float(np.max(product[: len(sound) - len(part)] / energy[: len(sound) - len(part)]))
