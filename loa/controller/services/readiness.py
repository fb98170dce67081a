"""Whether the controller can do its work, and if not, what is wrong."""

from loa.controller.errors import ControllerError
from loa.controller.ports import Courier
from loa.controller.services.jobs import Jobs
from loa.controller.services.publisher import Publisher
from loa.controller.store.database import Database


class Readiness:
    """Asked by supervisors of the process; thread-safe."""

    def __init__(self, *, db: Database, courier: Courier, publisher: Publisher, jobs: Jobs) -> None:
        self._db = db
        self._courier = courier
        self._publisher = publisher
        self._jobs = jobs

    def reasons(self) -> list[str]:
        """Why it is not ready, in English; empty when it is."""
        found: list[str] = []
        try:
            self._db.check()
        except ControllerError as error:
            found.append(error.detail)
        if not self._courier.connected:
            found.append("the broker is not connected; programmes wait")
        if self._publisher.behind is not None:
            found.append(f"programmes wait to be sent: {self._publisher.behind}")
        found += [f"the job {name} fails: {why}" for name, why in sorted(self._jobs.failing.items())]
        return found
