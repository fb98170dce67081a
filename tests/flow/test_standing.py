"""Standing messages from the first start of a controller to a loudspeaker."""

from pathlib import Path

import pytest

from loa.audio.find import decode
from loa.protocol.ids import RecordingId
from tests.flow.ears import HEARING_HZ, Sound
from tests.flow.times import seconds
from tests.flow.village import Village
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]


def test_a_message_that_the_controller_made_sounds_from_the_disk_of_a_loudspeaker(tmp_path: Path) -> None:
    settings = {"LOA_MAKE_STANDING_MESSAGES": "true"}
    with Village.founded(tmp_path, settings=settings) as village:
        office, node = village.office, village.add_node("loa-1", "thon-1")

        def made() -> dict[str, str] | None:
            items = office.admin.get("/standing-messages")["items"]
            found = {one["name"]: one["recording"] for one in items}
            return found if all(found.values()) else None

        recordings = wait_for(made, what="all standing messages", within_s=120)
        node.holds(*recordings.values())
        test = RecordingId(recordings["test"])
        sound = Sound(
            path := village.data / "recordings" / test[:2] / f"{test}.ogg", decode(path, HEARING_HZ)
        )
        alarm = office.emergency(test)
        assert office.awaits_outcome(alarm, node.name) == "complete"
        ends_at = alarm.first_at + sound.length
        node.ear.waits_until(ends_at + seconds(2))
        heard = node.ear.starts(sound, alarm.first_at - seconds(2), ends_at + seconds(2))
        assert [abs(at - alarm.first_at) < seconds(0.3) for at in heard] == [True]
        (line,) = office.log(broadcast=alarm.id)
        assert line["siren_ms"] is None
