"""The commune of the campaign: real processes behind a bad network, on bad disks, under clocks that turn."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from loa.controller.demo.processes import Process
from tests.field.power import PowerSupply
from tests.field.preload import Shims, TurnedClock, disk_environment, together
from tests.field.proxy import Link, Network
from tests.flow.times import now
from tests.flow.village import Loudspeaker, Village, clean_environment
from tests.machines import Keeper
from tests.waiting import wait_for

READY_WITHIN_S = 60.0


class Pole(Loudspeaker):
    """A loudspeaker with its own links to broker and controller, its own clock, and its own disk."""

    def __init__(self, name: str, folder: Path, shims: Shims) -> None:
        super().__init__(name, folder)
        self.clock = TurnedClock(folder / "clock")
        self.mqtt: Link
        self.http: Link
        self.supply: PowerSupply
        self.wanted = False
        """Whether somebody wants it to run."""
        self._shims = shims
        self._shadow = folder / "shadow"

    def wire(self, network: Network, *, http: int, mqtt: int) -> None:
        """After the enrolment: it finds everything through links of its own, on a disk that is at rest."""
        self.http, self.mqtt = (network.link(("127.0.0.1", port)) for port in (http, mqtt))
        path = self.data / "enrolment.json"
        found = json.loads(path.read_text())
        found["base_url"] = f"https://127.0.0.1:{self.http.port}"
        found["mqtt"] |= {"host": "127.0.0.1", "port": self.mqtt.port}
        path.write_text(json.dumps(found))
        self.supply = PowerSupply(self.data, self._shadow)

    @property
    def links(self) -> tuple[Link, Link]:
        return self.mqtt, self.http

    def start(self, *, at: datetime | None = None, keeper: Keeper = Keeper.NTP) -> None:
        assert (at, keeper) == (None, Keeper.NTP), "the clock of a pole is turned, not set"
        environment = clean_environment() | together(
            self.clock.environment(self._shims), disk_environment(self._shims, self.data, self._shadow)
        )
        command = ["loa-node", "run", "--data", str(self.data), "--sink", f"wav:{self.ear.wav}"]
        self.process = Process(command, log=self.log_file, environment=environment)
        self.wanted = True

    def kill(self) -> None:
        self.wanted = False
        super().kill()

    @property
    def has_died(self) -> bool:
        """By itself, which nobody asked it to."""
        return self.wanted and self.process is not None and self.process.ended


class Parish(Village):
    """A village whose time can be let pass, with a broker that can be killed by itself."""

    shims: Shims
    network: Network
    poles: list[Pole]
    warp = timedelta(0)
    """How much time has passed for everybody that nobody waited for."""

    def __init__(self, folder: Path, *, host: str, broker_apart: bool, settings: Mapping[str, str]) -> None:
        super().__init__(folder, host=host, broker_apart=broker_apart, settings=settings)
        self.shims = Shims.compiled(folder / "shims")
        self.clock = TurnedClock(folder / "clock")
        self.poles = []

    @classmethod
    @contextmanager
    def built(cls, folder: Path, dice: Random, *, poles: int) -> Iterator[Self]:
        with Network(dice) as network, cls.founded(folder, broker_apart=True) as parish:
            parish.network = network
            villages = {f"loa-{number}": f"thon-{1 + number % 2}" for number in range(1, poles + 1)}
            codes = {name: parish.office.add_node(name, village) for name, village in villages.items()}
            with ThreadPoolExecutor(poles) as hands:
                parish.poles = list(hands.map(parish.add_pole, codes, codes.values()))
            parish.nodes += parish.poles
            for pole in parish.poles:
                pole.start()  # by this thread, since they die with the one that started them
            for pole in parish.poles:
                parish.awaits(pole)
            yield parish

    def add_pole(self, name: str, code: str) -> Pole:
        """Enrolled with its code, and off."""
        pole = Pole(name, self.folder / name, self.shims)
        pole.enrol(self.base_url, code)
        pole.wire(self.network, http=self.ports[0], mqtt=self.ports[1])
        return pole

    def awaits(self, pole: Pole) -> None:
        """Return when it runs and the controller knows it to be there."""
        wait_for(pole.ear.wav.exists, what=f"{pole.name} has a player", within_s=READY_WITHIN_S)
        self.office.awaits_online(pole.name)

    def now(self) -> datetime:
        """The right time in this world."""
        return now() + self.warp

    def let_pass(self, span: timedelta) -> None:
        """So much time passes, for all, and nobody waits."""
        self.warp += span
        for clock in (self.clock, *(pole.clock for pole in self.poles)):
            clock.turn(warp=self.warp)

    def kill_controller(self) -> None:
        """The controller alone; the broker goes on."""
        if self._controller is not None:
            self._controller.kill()
            self._controller = None

    def start_controller(self) -> None:
        log = self.folder / "controller.log"
        self._controller = Process(["loa-controller", "serve"], log=log, environment=self._environment())

    def check(self) -> None:
        """Raise if the controller ended though nobody killed it."""
        if self._controller is not None:
            self._controller.check()

    def is_ready(self) -> bool:
        return self.office.is_ready()

    def _environment(self) -> dict[str, str]:
        return super()._environment() | self.clock.environment(self.shims)
