"""A commune whose loudspeakers believe people alone: papers in force, and an office with passkeys."""

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from loa.node_agent.adapters.enrolment import CERTIFICATE_FILE, KEY_FILE, enrol
from loa.protocol.charter import Appointment, appoint
from loa.protocol.ids import RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import RelyingParty
from loa.protocol.policy import AllowedHours, Policy, PolicyVersion
from loa.schedules.policy import BEGINNING
from tests.attacks.hands import Card
from tests.attacks.people import Person
from tests.attacks.sounds import Sample
from tests.flow.ears import Sound
from tests.flow.intruder import let_in
from tests.flow.office import COMMUNE, Announced, Json, Office, announced_of
from tests.flow.times import local, now, seconds
from tests.flow.village import Loudspeaker, Village
from tests.machines import SIMULATED_DAYS, Keeper
from tests.waiting import wait_for

KEEPERS = ("kim", "lam")
APPROVERS = ("hoa", "binh")
STRUCK_OFF = "tam"
"""An approver on the first roster, and on no later one."""
LATECOMER = "viet"
"""Made an approver by the administrator after the keepers had signed the roster."""
VICTIM = "loa-1"
AWAKE = (VICTIM, "loa-2")
"""Loudspeakers that sound: one in each village."""
STOLEN, FRESH = "loa-3", "loa-4"
"""One whose card was stolen, and one whose disk was lost."""
PLACES = {"loa-1": "thon-1", "loa-2": "thon-2", STOLEN: "thon-1", FRESH: "thon-2"}
_LEAD_MS = 600


class Town(Village):
    """A village under a name, with papers in force; everybody whose key it is known by is here."""

    root: SigningKey
    people: Mapping[str, Person]
    genuine: Sound
    authority: int
    """The commune's rank."""
    recording: RecordingId
    """Of the genuine sound."""
    code: Path | None = None
    """Whence the controller's code is taken, if it is not ours."""

    def __init__(self, folder: Path, *, host: str, broker_apart: bool, settings: Mapping[str, str]) -> None:
        super().__init__(folder, host=host, broker_apart=broker_apart, settings=settings)
        self._name = "localhost"
        self.office = Office(self.base_url, self.trust)
        self.party = RelyingParty(id="localhost", origins=(self.base_url,))
        self._said = 0

    @classmethod
    @contextmanager
    def built(cls, folder: Path, genuine: Sound, samples: Sequence[Sample]) -> Iterator[Self]:
        """Returns when its loudspeakers run by the papers, and have the sounds of all attacks on disk."""
        root = SigningKey.generate()
        settings = {
            "LOA_ROOT_KEY": root.public.x,
            "LOA_EMERGENCY_LEAD_MS": str(_LEAD_MS),
            "LOA_UPLOAD_LIMIT_BYTES": "2000000",
        }
        with cls.founded(folder, settings=settings) as town:
            town.root, town.genuine = root, genuine
            for name, place in PLACES.items():
                town.nodes.append(town._enrol(name, town.office.add_node(name, place), samples))
            town._bring_papers()
            for name in AWAKE:
                town.node(name).start()
            town.recording = town.office.upload(genuine)
            for name in AWAKE:
                town.awaits(name)
            yield town

    def furnish(self) -> None:
        """Nothing ordinary may sound in this hour; what is prior and what is urgent may."""
        self.office.furnish(quiet_now(now()))
        for name in (APPROVERS[1], STRUCK_OFF, LATECOMER):
            self.office.add_person(name, "approver")
        for name in KEEPERS:
            self.office.add_person(name, "official")
        names = (*KEEPERS, *APPROVERS, STRUCK_OFF, LATECOMER)
        self.people = {name: Person(self.base_url, name, self.trust, self.party) for name in names}
        for name in (*KEEPERS, *APPROVERS, STRUCK_OFF):
            self.people[name].make_passkey()

    def node(self, name: str) -> Loudspeaker:
        return next(one for one in self.nodes if one.name == name)

    def awaits(self, name: str) -> None:
        """Return when it runs and has the newest papers."""
        self.office.awaits_online(name)
        wait_for(lambda: "event=configured" in self.node(name).log(), what=f"{name} has papers", within_s=60)

    def card(self, name: str) -> Card:
        """Key and certificate of a loudspeaker, as they lie on its disk."""
        data = self.node(name).data
        return Card(self._authority_file, data / CERTIFICATE_FILE, data / KEY_FILE)

    def controller_card(self, name: str) -> Card:
        """Of somebody who has the authority's key and can write to the broker's folder."""
        path = let_in(self.data, self.folder, name)
        return Card(self._authority_file, path, path)

    def strike_off(self) -> None:
        """The administrator takes an approver's account away, and the keepers sign a roster without her."""
        self.office.admin.patch(f"/users/{STRUCK_OFF}", {"active": False})
        self.renew_papers()

    def awaits_back(self, name: str, since: int) -> None:
        """Return when it has said after so many characters of its log that it is in the broker again."""
        self.node(name).says("event=answered", since=since)

    def awaits_absence(self, name: str) -> None:
        """Return when the console no longer shows it as connected."""
        wait_for(
            lambda: self.office.admin.get(f"/nodes/{name}")["presence"] != "connected",
            what=f"{name} is missed",
            within_s=30,
        )

    def problems(self, name: str, code: str, since: datetime) -> list[Json]:
        """What it told of this kind since then."""
        query = {"node": name, "kind": "problem", "from": since}
        found = [one["report"] for one in self.office.leader.get("/incidents", **query)["items"]]
        return [one for one in found if one["code"] == code]

    def genuinely(self, recording: RecordingId | None = None) -> Announced:
        """The leader and a second person broadcast an emergency of a second, or of another recording."""
        self._said += 1
        writer = self.office.writer
        draft = {
            "area": COMMUNE,
            "title": f"Báo động {self._said}",
            "class": "emergency",
            "recording": recording or self.recording,
            "plan": {"audience": [COMMUNE]},
        }
        written = writer.post("/bulletins", draft)
        answers = [self.people[name].approve(written["id"], written["revision"]) for name in APPROVERS]
        return announced_of(answers[-1])

    def database(self, statement: str, *values: object) -> list[Sequence[object]]:
        """What somebody does who got at the database file."""
        with closing(sqlite3.connect(self.data / "loa.db", timeout=30)) as opened, opened:
            return list(opened.execute(statement, values))

    def close(self) -> None:
        for person in getattr(self, "people", {}).values():
            person.close()
        super().close()

    def _environment(self) -> dict[str, str]:
        elsewhere = {"PYTHONPATH": str(self.code), "PYTHONSAFEPATH": "1"} if self.code else {}
        return super()._environment() | elsewhere

    @property
    def _authority_file(self) -> Path:
        path = self.folder / "authority.crt"
        if not path.exists():
            path.write_text(self.trusted_authority)
        return path

    def _enrol(self, name: str, code: str, samples: Sequence[Sample]) -> Loudspeaker:
        node = Loudspeaker(name, self.folder / name)
        enrol(self.base_url, code, node.data)
        if name != FRESH:
            node.environment |= {"PYTHONPATH": str(SIMULATED_DAYS), "SIMULATED_TIME": Keeper.BATTERY}
            node.environment["SIMULATED_BOOT"] = secrets.token_hex(16)
        recordings = node.data / "recordings"
        recordings.mkdir(exist_ok=True)
        for sample in samples:
            (recordings / f"{sample.source.recording}.ogg").write_bytes(sample.content)
        return node

    def _bring_papers(self) -> None:
        """Root, request, appointment, and two keepers who sign."""
        request, sealed = self.folder / "request.json", self.folder / "sealed"
        named = [part for name in KEEPERS for part in ("--keeper", name)]
        self.command("root", "request", str(request), "--area", COMMUNE, *named)
        wanted = Appointment.from_bytes(request.read_bytes())
        self.authority = wanted.authority
        sealed.write_text(appoint(wanted, self.root))
        self.command("root", "import", str(sealed))
        self.renew_papers()

    def renew_papers(self) -> None:
        """What the console knows by now becomes what the loudspeakers are to believe."""
        self.people[KEEPERS[0]].compose_papers(COMMUNE)
        for name in KEEPERS:
            self.people[name].sign_papers()


def quiet_now(at: datetime) -> Policy:
    """Ordinary broadcasts only half a day from now, on the clock of the commune; priority at any hour."""
    opens, closes = (local(at + seconds(hours * 3600))[11:16] for hours in (11, 13))
    reason = "Tests want it quiet now."
    hours = (
        AllowedHours(
            classes=frozenset({BroadcastClass.NORMAL}),
            from_local=opens,
            to_local=closes,
            legal_source=reason,
        ),
        AllowedHours(
            classes=frozenset({BroadcastClass.PRIORITY}),
            from_local="00:00",
            to_local="24:00",
            legal_source=reason,
        ),
    )
    return Policy(versions=(PolicyVersion(effective_from=BEGINNING, quiet_source=reason, hours=hours),))
