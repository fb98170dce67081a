"""What happens in the demo, in order: set up, record, approve, interrupt, stop, read the log, listen."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from loa.audio.errors import AudioError
from loa.audio.find import Signal, decode
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.demo.judge import RATE_HZ, faults
from loa.controller.demo.listening import read_recorded
from loa.controller.demo.office import PEOPLE, Answer, Desk, furnish, locate
from loa.controller.demo.processes import StageError, wait_until
from loa.controller.demo.scenario import Expectation, Lengths, Plan, Sound, expectation, plan
from loa.controller.demo.show import LogLine, Show
from loa.controller.demo.stage import Stage
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.policy import open_policy

SAMPLE = Path(__file__).parents[1] / "demo_data" / "sample.mp3"
TEXT = (
    "Kính thưa bà con. Trạm Y tế xã tổ chức tiêm phòng cho trẻ dưới 5 tuổi từ 7h30 ngày 15/6 tại Nhà văn hóa "
    "thôn Phú Cường. Đề nghị mang theo CCCD và sổ tiêm. Chi tiết theo TB số 42/TB-UBND."
)
EMERGENCY = "Cảnh báo khẩn cấp. Nước sông đang lên nhanh. Đề nghị bà con di chuyển ngay đến nơi cao."
NODES = {f"loa-{village.removeprefix('thon-')}": village for village in VILLAGES}
PREPARE_S = 12.0
"""From the approvals to the first start: in this time the nodes fetch programmes and recordings."""
LEAD_S = 0.5
"""About how long after its request an emergency begins; the answer says when exactly."""
REPORTED_WITHIN_S = 60.0
OCCURRENCES = 4


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asks for."""

    sound: Path
    text: str
    sink: str | None
    once: bool

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Wishes":
        """From `LOA_DEMO_SOUND`, `_TEXT`, `_SINK` and `_ONCE`; absent or empty is the sample."""
        return cls(
            sound=Path(environment.get("LOA_DEMO_SOUND") or SAMPLE),
            text=environment.get("LOA_DEMO_TEXT") or TEXT,
            sink=environment.get("LOA_DEMO_SINK") or None,
            once=bool(environment.get("LOA_DEMO_ONCE")),
        )


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings by name, and their sound as it went in."""

    ids: Mapping[Sound, str]
    signals: Mapping[Sound, Signal]

    @property
    def lengths(self) -> Lengths:
        """How long each sounds."""
        file_s, text_s, emergency_s = (len(self.signals[sound]) / RATE_HZ for sound in Sound)
        return Lengths(file_s=file_s, text_s=text_s, emergency_s=emergency_s)


class Acts:
    """One performance."""

    def __init__(self, stage: Stage, show: Show, wishes: Wishes, password: str) -> None:
        self._stage = stage
        self._show = show
        self._wishes = wishes
        self._password = password

    def play(self) -> int:
        """All acts; 0 if every node sounded what was expected, else 1."""
        if not self._wishes.sound.is_file():
            raise StageError(f"there is no file {self._wishes.sound}; give SOUND=/path/to/a/sound")
        self._set_up()
        recordings = self._record()
        made = self._approve(recordings)
        expected = self._wait_and_interrupt(made, recordings)
        lines = self._read_log()
        self._show.log(lines)
        return self._judge(recordings, expected)

    def _set_up(self) -> None:
        self._show.step("Starting the controller and its broker (SQLite, loopback) …")
        self._stage.open(self._password)
        admin = self._desk("admin")
        furnish(admin, self._password, open_policy("Bản dùng thử cho phát mọi giờ; xã có quy định riêng"))
        self._show.step("The demo's policy allows all hours; a real commune has its own rule.")
        self._show.step(f"People: {', '.join(f'{name} ({role})' for _, name, role, _ in PEOPLE)}.")
        technician = self._desk("binh")
        for node, village in NODES.items():
            code = technician.post("/nodes", {"id": node, "name": f"Loa {village}", "parent": village})[
                "code"
            ]
            locate(technician, node, village)
            self._stage.add_node(node, str(code))
        self._show.step(f"Enrolled and started {len(NODES)} nodes: {', '.join(NODES)}.")
        self.official, self.approver = self._desk("mai"), self._desk("hoa")

    def _desk(self, user: str) -> Desk:
        return Desk(self._stage.address, user, self._password, self._stage.trust())

    def _record(self) -> Recordings:
        self._show.step(f"Preparing {self._wishes.sound} and speaking the text …")
        spoken = {Sound.TEXT: self._wishes.text, Sound.EMERGENCY: EMERGENCY}
        ids = {Sound.FILE: str(self.official.upload(self._wishes.sound)["sha256"])}
        signals = {Sound.FILE: self._decode(self._wishes.sound)}
        for sound, text in spoken.items():
            answer = self.official.post("/speech", {"text": text, "chime": True, "closing": True})[
                "recording"
            ]
            ids[sound] = answer["sha256"]
            signals[sound] = self._decode(
                self.official.fetch(answer["content"], self._stage.folder / f"{sound}.ogg")
            )
        return Recordings(ids, signals)

    def _decode(self, path: Path) -> Signal:
        try:
            return decode(path, RATE_HZ)
        except AudioError as error:
            raise StageError(f"{path} could not be decoded: {error}") from error

    def _approve(self, recordings: Recordings) -> Plan:
        made = plan(time.time() + PREPARE_S, recordings.lengths, LEAD_S)
        for sound, start_at, title in (
            (Sound.FILE, made.file_at, "Bản tin thu sẵn"),
            (Sound.TEXT, made.text_at, "Thông báo bằng giọng đọc"),
            (Sound.FILE, made.again_at, "Bản tin thu sẵn, phát lại"),
        ):
            bulletin = self._write(title, recordings.ids[sound], "normal", start_at)
            self.approver.post(f"/bulletins/{bulletin['id']}/approve", etag=_etag(bulletin))
        self._show.step(
            "Two bulletins are approved, the first one a second time at the end; nodes fetch them."
        )
        return made

    def _write(self, title: str, recording: str, class_: str, start_at: float | None) -> Answer:
        when = None if start_at is None else {"tz": DEFAULT_TZ, "start_local": _local(start_at)}
        draft = {"area": COMMUNE, "title": title, "field": "other", "class": class_, "recording": recording}
        body = draft | {"plan": {"audience": [COMMUNE], "when": when}}
        bulletin = self.official.post("/bulletins", body)
        return self.official.post(f"/bulletins/{bulletin['id']}/submit", etag=_etag(bulletin))

    def _wait_and_interrupt(self, made: Plan, recordings: Recordings) -> Expectation:
        emergency = self._write("Nước sông dâng cao", recordings.ids[Sound.EMERGENCY], "emergency", None)
        self._wait("the sound, then the text", made.emergency_asked_at)
        answer = self.approver.post(f"/bulletins/{emergency['id']}/emergency", etag=_etag(emergency))
        emergency_at = datetime.fromisoformat(answer["broadcast"]["first_start_at"]).timestamp()
        self._show.step("An emergency interrupts the text, which goes on afterwards.")
        self._wait("the emergency, the rest of the text, the sound again", made.stop_asked_at)
        stopped = self.approver.post(f"/areas/{COMMUNE}/silences", {"minutes": 1})
        stopped_at = datetime.fromisoformat(stopped["from_at"]).timestamp()
        self._show.step("STOP.")
        expected = expectation(made, recordings.lengths, emergency_at=emergency_at, stopped_at=stopped_at)
        self._wait("silence", expected.ends_at + 1)
        return expected

    def _wait(self, text: str, until_at: float) -> None:
        self._show.wait(text, until_at, self._stage.check)

    def _read_log(self) -> list[LogLine]:
        supervisor = self._desk("lan")
        lines: list[LogLine] = []

        def complete() -> bool:
            lines[:] = supervisor.get("/log", area=COMMUNE)["items"]
            open_lines = [line for line in lines if line["reported_at"] is None]
            return len(lines) == OCCURRENCES * len(NODES) and not open_lines

        wait_until(complete, what="a report of every node on every occurrence", within_s=REPORTED_WITHIN_S)
        return sorted(lines, key=lambda line: (line["planned_at"], line["node"]))

    def _judge(self, recordings: Recordings, expected: Expectation) -> int:
        if self._wishes.sink is not None:
            self._show.failed(f"the sound went to {self._wishes.sink}, so nobody can judge it here")
            return 1
        found = {
            node: list(faults(read_recorded(self._stage.heard(node)), recordings.signals, expected))
            for node in NODES
        }
        self._show.verdict(found)
        return int(any(found.values()))


def _etag(bulletin: Answer) -> str:
    return f'"{bulletin["revision"]}"'


def _local(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(DEFAULT_TZ)).strftime("%Y-%m-%dT%H:%M:%S")
