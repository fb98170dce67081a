"""Recomputes a node's timeline of one day, and judges by it what the node reported."""

import json
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person
from loa.controller.core.judge import Judgement, Stretch, Told, judge
from loa.controller.core.planning import policy_from, policy_text
from loa.controller.core.standing import lay, unite
from loa.controller.core.starts import Hours
from loa.controller.core.tree import Tree
from loa.controller.errors import NotFound
from loa.controller.ports import SilenceJournal
from loa.controller.services.rights import permit
from loa.controller.store import log
from loa.controller.store.database import Session
from loa.controller.store.programmes import contents_of
from loa.controller.store.tables import LogRow
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId, OccurrenceId
from loa.schedules.model import Window

DAY = timedelta(days=1)


class Proofs:
    """By what the controller holds of the node's areas now; the past of a timeline never changes."""

    def __init__(self, *, journal: SilenceJournal) -> None:
        self._journal = journal

    def of(self, session: Session, who: Person, line: int) -> Judgement:
        """Judge a line of the log; raises `NotFound`. What a node learnt too late shows as a difference."""
        row = log.line_of(session, line)
        missing = NotFound("no_such_line", f"there is no line {line} in the log")
        if row is None:
            raise missing
        permit(session, who, Act.READ_LOG, AreaId(row.area_id), missing=missing)
        tree = read_tree(session)
        if AreaId(row.node_id) not in tree:
            raise missing
        return self._judge(session, tree, row)

    def _judge(self, session: Session, tree: Tree, row: LogRow) -> Judgement:
        node, occurrence = NodeId(row.node_id), OccurrenceId(row.occurrence)
        areas, at = tree.areas_of(node), row.planned_at
        programmes = {
            area: contents_of(session, area, tuple(self._journal.of(area, at - DAY)), at) for area in areas
        }
        text, tz = policy_text(tree, node)
        window = Window(from_at=at - DAY, until_at=at + DAY)
        laid = lay(unite(programmes, areas), Hours(policy_from(text), tz), window)
        segments = laid.pieces.get(occurrence, [])
        return judge(segments, laid.timeline.outcomes.get(occurrence), _told(row))


def _told(row: LogRow) -> Told:
    pieces = json.loads(row.pieces or "[]")
    stretches = tuple(
        Stretch(datetime.fromisoformat(one["from_at"]), datetime.fromisoformat(one["to_at"]))
        for one in pieces
    )
    return Told(outcome=row.outcome, stretches=stretches, rendered=row.rendered)
