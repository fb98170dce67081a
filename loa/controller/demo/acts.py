"""What happens in the demo, in order: set up, record, approve, interrupt, stop, read the log, listen."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from loa.audio.errors import AudioError
from loa.audio.find import Signal, decode
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.demo.judge import RATE_HZ, Recorded, faults
from loa.controller.demo.listening import read_recorded
from loa.controller.demo.office import KEEPERS, PEOPLE, Answer, Desk, etag, furnish, locate
from loa.controller.demo.processes import StageError, wait_until
from loa.controller.demo.scenario import Expectation, Lengths, Plan, Sound, expectation, plan
from loa.controller.demo.show import LogLine, Show
from loa.controller.demo.signing import Keepers, Signer
from loa.controller.demo.stage import EMERGENCY_LEAD_S, Stage
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
BELIEVED_WITHIN_S = 60.0
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
        with ThreadPoolExecutor(1) as aside:
            recording = aside.submit(self._record)
            codes = self._announce_nodes()
            self._bring_papers_into_force()
            self._enrol(codes)
            recordings = recording.result()
        made = self._approve(recordings)
        expected = self._wait_and_interrupt(made, recordings)
        lines = self._read_log()
        self._show.log(lines)
        return self._judge(recordings, expected)

    def _set_up(self) -> None:
        self._show.step("Starting the controller and its broker (SQLite, loopback, TLS) …")
        self._stage.open(self._password)
        self._show.step(f"The root key is in {self._stage.root}; a real one is on a stick in a safe.")
        furnish(
            self._desk("admin"),
            self._password,
            open_policy("Bản dùng thử cho phát mọi giờ; xã có quy định riêng"),
        )
        self._show.step("The demo's policy allows all hours; a real commune has its own rule.")
        self._show.step(f"People: {', '.join(f'{name} ({role})' for _, name, role, _ in PEOPLE)}.")
        self.official = self._desk("mai")
        self.approver, self.second = self._signer("hoa"), self._signer("nam")
        self.keepers = Keepers(COMMUNE, [self._signer(user) for user in KEEPERS])

    def _announce_nodes(self) -> dict[str, str]:
        """The code of each, with which it enrols."""
        technician = self._desk("binh")
        codes = {}
        for node, village in NODES.items():
            entry = {"id": node, "name": f"Loa {village}", "parent": village}
            codes[node] = str(technician.post("/nodes", entry)["code"])
            locate(technician, node, village)
        return codes

    def _bring_papers_into_force(self) -> None:
        self._stage.appoint(COMMUNE, KEEPERS)
        self.keepers.renew()
        keepers = " and ".join(name for user, name, *_ in PEOPLE if user in KEEPERS)
        self._show.step(f"The root names {keepers} as keepers; both sign, by passkey, who may approve here.")

    def _enrol(self, codes: Mapping[str, str]) -> None:
        for node, code in codes.items():
            self._stage.add_node(node, code)
        wait_until(
            lambda: set(self.keepers.trust()["holding"]) == set(codes),
            what="every node's word that it holds what the keepers have signed",
            within_s=BELIEVED_WITHIN_S,
        )
        self._show.step(f"{len(codes)} nodes enrolled, and believe these papers: {', '.join(codes)}.")

    def _desk(self, user: str) -> Desk:
        return Desk(self._stage.address, user, self._password, self._stage.trust())

    def _signer(self, user: str) -> Signer:
        return Signer.registered(self._desk(user), self._stage.address)

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
        made = plan(time.time() + PREPARE_S, recordings.lengths, EMERGENCY_LEAD_S)
        for sound, start_at, title in (
            (Sound.FILE, made.file_at, "Bản tin thu sẵn"),
            (Sound.TEXT, made.text_at, "Thông báo bằng giọng đọc"),
            (Sound.FILE, made.again_at, "Bản tin thu sẵn, phát lại"),
        ):
            bulletin = self._write(title, recordings.ids[sound], "normal", start_at)
            self.approver.approve(bulletin)
        self._show.step(
            "Hòa signs two bulletins by passkey, the first one a second time for the end; nodes fetch them."
        )
        return made

    def _write(self, title: str, recording: str, class_: str, start_at: float | None) -> Answer:
        when = None if start_at is None else {"tz": DEFAULT_TZ, "start_local": _local(start_at)}
        draft = {"area": COMMUNE, "title": title, "field": "other", "class": class_, "recording": recording}
        body = draft | {"plan": {"audience": [COMMUNE], "when": when}}
        bulletin = self.official.post("/bulletins", body)
        return self.official.post(f"/bulletins/{bulletin['id']}/submit", etag=etag(bulletin))

    def _wait_and_interrupt(self, made: Plan, recordings: Recordings) -> Expectation:
        emergency = self._write("Nước sông dâng cao", recordings.ids[Sound.EMERGENCY], "emergency", None)
        self._wait("the sound, then the text", made.emergency_asked_at)
        self.approver.approve(emergency)
        answer = self.second.approve(emergency)
        emergency_at = datetime.fromisoformat(answer["broadcast"]["first_start_at"]).timestamp()
        self._show.step("Hòa and Nam both sign an emergency: it interrupts the text, which goes on then.")
        self._wait("the emergency, the rest of the text, the sound again", made.stop_asked_at)
        stopped = self.approver.desk.post(f"/areas/{COMMUNE}/silences", {"minutes": 1})
        stopped_at = datetime.fromisoformat(stopped["from_at"]).timestamp()
        self._show.step("STOP, by Hòa alone: silence needs nobody's signature.")
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
        recorded = {node: read_recorded(self._stage.heard(node)) for node in NODES}
        return judge(recorded, recordings.signals, expected, self._show)


def judge(
    recorded: Mapping[str, Recorded], signals: Mapping[Sound, Signal], expected: Expectation, show: Show
) -> int:
    """Say of every node what is wrong; 0 if nothing is, else 1."""
    found = {node: list(faults(one, signals, expected)) for node, one in recorded.items()}
    show.verdict(found)
    return int(any(found.values()))


def _local(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(DEFAULT_TZ)).strftime("%Y-%m-%dT%H:%M:%S")
