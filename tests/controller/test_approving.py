"""Who must leave an approval to somebody else: a table of policies, and what service and API make of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.core.access import Role
from loa.controller.core.alerts import AlertKind
from loa.controller.core.approving import OTHERS_APPROVE, needs_another, own_approval
from loa.controller.core.sample import COMMUNE
from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.services.alerts import Alerts
from loa.controller.services.areas import AreaChange
from loa.controller.store.database import Database
from loa.protocol.ids import AreaId
from loa.protocol.policy import OwnApproval, Policy
from loa.schedules.policy import default_policy
from tests.controller.desk import Office, match, open_office
from tests.controller.factories import PROVINCE
from tests.controller.site import Site
from tests.fakes.controller import START

ALONE = OwnApproval(allowed=True, legal_source="Quy chế 12, Điều 6")
OTHERS = OwnApproval(allowed=False, legal_source="Quy chế 9, Điều 2")
HOUR = timedelta(hours=1)
[BASE] = default_policy().versions


def policy(*rules: tuple[datetime, OwnApproval | None]) -> Policy:
    """The default, and from these instants on these rules."""
    later = [BASE.model_copy(update={"effective_from": at, "own_approval": rule}) for at, rule in rules]
    return Policy(versions=(BASE, *later))


def tree(above: Policy | None, own: Policy | None) -> Tree:
    """A province and a commune with these policies."""

    def place(area: str, kind: AreaKind, parent: str | None, its: Policy | None) -> Place:
        text = its.model_dump_json() if its else None
        return Place(AreaId(area), area, kind, AreaId(parent) if parent else None, 0, None, text)

    places = [
        place("tinh", AreaKind.PROVINCE, None, above),
        place("xa", AreaKind.COMMUNE, "tinh", own),
    ]
    return Tree({one.id: one for one in places}, set(), {})


@pytest.mark.parametrize(
    ("above", "own", "rule"),
    [
        (None, None, OTHERS_APPROVE),
        (policy((START - HOUR, None)), None, OTHERS_APPROVE),
        (policy((START - HOUR, ALONE)), None, ALONE),
        (policy((START, ALONE)), None, ALONE),
        (policy((START + HOUR, ALONE)), None, OTHERS_APPROVE),
        (policy((START - 2 * HOUR, ALONE), (START - HOUR, None)), None, OTHERS_APPROVE),
        (policy((START - HOUR, ALONE)), policy((START - HOUR, OTHERS)), OTHERS),
        (policy((START - HOUR, ALONE)), policy(), OTHERS_APPROVE),
        (policy((START - HOUR, OTHERS)), policy((START - HOUR, ALONE)), ALONE),
    ],
    ids=[
        "no policy",
        "a policy that says nothing",
        "inherited",
        "from this instant on",
        "not yet",
        "not any more",
        "its own is stricter",
        "its own says nothing",
        "its own allows it",
    ],
)
def test_the_policy_of_the_issuing_area_decides(
    above: Policy | None, own: Policy | None, rule: OwnApproval
) -> None:
    places = tree(above, own)
    assert own_approval(places, AreaId("xa"), START) == rule
    assert needs_another(places, AreaId("xa"), {"hoa", "mai"}, "hoa", START) is not rule.allowed
    assert not needs_another(places, AreaId("xa"), {"mai"}, "hoa", START)


def test_of_an_area_that_is_gone_somebody_else_decides() -> None:
    places = tree(policy((START - HOUR, ALONE)), None)
    assert needs_another(places, AreaId("nowhere"), {"hoa"}, "hoa", START)


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def test_an_approval_of_ones_own_is_judged_by_the_policy_of_that_moment(office: Office) -> None:
    town = office.desk.town
    keeper = town.user("quan", (PROVINCE, Role.ADMIN))
    with town.db.work() as work:
        change = AreaChange(policy=policy((START + HOUR, ALONE), (START + 3 * HOUR, OTHERS)))
        town.areas.change(work, keeper, PROVINCE, change)
    for hours, source in ((0, OTHERS_APPROVE.legal_source), (2, None), (4, OTHERS.legal_source)):
        town.clock.at = START + hours * HOUR
        bulletin = office.hoa.submitted(office.desk.draft())
        path, named = f"/bulletins/{bulletin['id']}/approve", match(bulletin)
        if source is None:
            assert office.hoa.post(path, headers=named)["broadcast"]["approved_by"] == "hoa"
        else:
            told = office.hoa.refused(403, "POST", path, headers=named)
            assert (told["code"], told["legal_source"]) == ("own_bulletin", source)


def test_what_a_person_may_approve_is_what_needs_them(office: Office) -> None:
    desk, town = office.desk, office.desk.town
    alerts = Alerts(clock=town.clock, bulletins=desk.bulletins)
    office.hoa.submitted(desk.draft())

    def asked() -> list[AlertKind]:
        with town.db.look() as session:
            return [one.kind for one in alerts.of(session, desk.hoa)]

    assert asked() == []
    keeper = town.user("quan", (PROVINCE, Role.ADMIN))
    with town.db.work() as work:
        town.areas.change(
            work, keeper, PROVINCE, AreaChange(policy=policy((START + timedelta(minutes=1), ALONE)))
        )
    assert asked() == []
    town.clock.forward(minutes=1)
    assert asked() == [AlertKind.TO_APPROVE]


def test_the_rule_goes_in_and_out_by_the_api(site: Site) -> None:
    keeper = site.user("quan", (COMMUNE, Role.ADMIN))
    wanted = policy((START, ALONE)).model_dump(mode="json")
    answer = keeper.ask("PATCH", f"/areas/{COMMUNE}", {"policy": wanted})
    assert answer.status_code == 200
    kept = keeper.get(f"/areas/{COMMUNE}").json()["policy"]["versions"][-1]["own_approval"]
    assert kept == {"allowed": True, "legal_source": "Quy chế 12, Điều 6"}
    del wanted["versions"][-1]["own_approval"]["legal_source"]
    assert keeper.ask("PATCH", f"/areas/{COMMUNE}", {"policy": wanted}).status_code == 422
