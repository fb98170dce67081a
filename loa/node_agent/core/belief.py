"""Whom this node believes: the controller, and, where a root key is known, the papers that stand above it."""

from dataclasses import dataclass, field

from loa.node_agent.core.shelf import Shelf
from loa.protocol.broadcast import Entry, PasskeyApproval
from loa.protocol.errors import ProtocolError, UncharteredError
from loa.protocol.ids import NodeId, sha256_hex
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.programme import Config
from loa.protocol.trust import Trust, check_approvals, check_word, newest, trust_in
from loa.schedules.tighten import tighten

_MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Belief:
    """Judges configurations and broadcasts. Without a root key the controller's word is all there is."""

    node: NodeId
    keys: KeyRing
    root: PublicKey | None = None
    _config: Config | None = field(default=None, repr=False)
    _trust: Trust | None = field(default=None, repr=False)
    _good: set[str] = field(default_factory=set, repr=False)

    def bind(self, held: Config | None, arrived: Config) -> Config:
        """What of `arrived` the papers allow, with the newest papers; raises a `ProtocolError` if none do.

        The controller can leave areas out, allow fewer hours, lower the volume; it can add nothing, and
        not shift the hours by another time zone.
        """
        if self.root is None:
            return arrived
        before = held.papers if held else None
        papers = newest(before, arrived.papers, self.root) if arrived.papers else before
        bound = arrived.model_copy(update={"papers": papers})
        trust = self._trust_in(bound)
        return bound.model_copy(
            update={
                "areas": tuple(area for area in arrived.areas if area in trust.areas),
                "policy": tighten(trust.charter.policy, arrived.policy),
                "tz": trust.charter.tz,
                "standing": {
                    name: source
                    for name, source in arrived.standing.items()
                    if source.recording in trust.charter.standing
                },
            }
        )

    def check(self, entry: Entry, config: Config | None) -> None:
        """Return if the entry carries the approvals that it needs here; raises a `ProtocolError`.

        What was found good is remembered by its digest: every version of a programme brings it again.
        """
        trust = self._trust_of(config) if self.root else None
        digest = sha256_hex(entry.to_bytes())
        if digest in self._good:
            return
        if trust is None:
            check_word(entry, self.keys)
        else:
            check_approvals(entry, trust, self.keys)
        if len(self._good) >= _MOST_REMEMBERED:
            self._good.clear()
        self._good.add(digest)

    def voided(self, config: Config, shelf: Shelf) -> Shelf:
        """What stands on the shelf and was signed with a passkey that has been declared lost since."""
        if self.root is None:
            return Shelf()
        void = self._trust_of(config).void
        lost = {
            name: seen
            for name, seen in shelf.entries.items()
            if void & _credentials(seen.said) and not self._is_approved(seen.said, config)
        }
        return Shelf(entries=lost)

    def _is_approved(self, entry: Entry, config: Config) -> bool:
        try:
            self.check(entry, config)
        except ProtocolError:
            return False
        return True

    def _trust_of(self, config: Config | None) -> Trust:
        if self._trust is None or config is not self._config:
            self._trust, self._config = self._trust_in(config), config
            self._good.clear()
        return self._trust

    def _trust_in(self, config: Config | None) -> Trust:
        if self.root is None or config is None or config.papers is None:
            raise UncharteredError(self.node)
        return trust_in(config.papers, root=self.root, node=self.node)


def _credentials(entry: Entry) -> set[str]:
    return {one.assertion.credential for one in entry.approvals if isinstance(one, PasskeyApproval)}
