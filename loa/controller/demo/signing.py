"""People of the demo who sign with a passkey, through the public API as their phones' browsers would."""

from collections.abc import Sequence
from dataclasses import dataclass

from loa.controller.core.passkeys import party_of
from loa.controller.demo.authenticator import SoftPasskey
from loa.controller.demo.office import Answer, Desk, etag
from loa.controller.demo.processes import StageError
from loa.protocol.ids import AreaId
from loa.protocol.passkey import RelyingParty


@dataclass(frozen=True, slots=True)
class Signer:
    """A person at a desk, with a passkey that is registered."""

    desk: Desk
    passkey: SoftPasskey
    party: RelyingParty

    @classmethod
    def registered(cls, desk: Desk, address: str) -> "Signer":
        """Make a passkey for the console at that address and register it."""
        party = party_of(address)
        if party is None:
            raise StageError(f"no browser makes a passkey for {address}")
        passkey = SoftPasskey()
        options = desk.post("/me/passkeys/options")
        made = passkey.create(options["challenge"], party)
        desk.post("/me/passkeys", {"name": "Điện thoại", "credential": made})
        return cls(desk, passkey, party)

    def approve(self, bulletin: Answer) -> Answer:
        """Sign what the bulletin would become; the answer says whether others have to, too."""
        path = f"/bulletins/{bulletin['id']}"
        asked = self.desk.get(f"{path}/to-sign", revision=str(bulletin["revision"]))
        signed = {"document": asked["document"], "assertion": self._assertion(asked)}
        return self.desk.post(f"{path}/sign", signed, etag=etag(bulletin))

    def sign_paper(self, paper: Answer) -> None:
        """As a keeper."""
        self.desk.post(f"/papers/{paper['id']}/signatures", {"assertion": self._assertion(paper)})

    def _assertion(self, asked: Answer) -> Answer:
        return self.passkey.sign(asked["challenge"], self.party).model_dump(mode="json")


class Keepers:
    """The keepers of an area's papers. These sign whatever they are given; real ones read it first."""

    def __init__(self, area: AreaId, signers: Sequence[Signer]) -> None:
        self._area = area
        self._signers = signers

    def renew(self) -> None:
        """Compose roster and charter of what the controller knows by now, and sign both."""
        first = self._signers[0].desk
        first.post(f"/areas/{self._area}/papers")
        papers = self.trust()["papers"]
        for signer in self._signers:
            for paper in papers:
                signer.sign_paper(paper)

    def catch_up(self) -> bool:
        """Renew the papers if something has changed since; whether it had."""
        trust = self.trust()
        changed = bool(trust["lag"] or trust["papers"])
        if changed:
            self.renew()
        return changed

    def trust(self) -> Answer:
        """How it stands with the area, as the API gives it."""
        found = self._signers[0].desk.get("/trust")["items"]
        return dict(next(one for one in found if one["area"] == self._area))
