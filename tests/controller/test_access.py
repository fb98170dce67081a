import pytest

from loa.controller.core.access import PERMITTED, Act, Grant, Person, Role, granted, may
from loa.protocol.ids import AreaId

PATH = (AreaId("vinh-phuc"), AreaId("song-lo"), AreaId("lang-cong"))


def person(*grants: tuple[str, Role]) -> Person:
    return Person("lan", "Lan", frozenset(Grant(AreaId(area), role) for area, role in grants))


def test_a_role_holds_in_its_area_and_below() -> None:
    approver = person(("song-lo", Role.APPROVER))
    assert may(approver, Act.APPROVE, PATH)
    assert may(approver, Act.APPROVE, PATH[:2])
    assert not may(approver, Act.APPROVE, PATH[:1])


def test_roles_of_different_areas_do_not_mix() -> None:
    both = person(("lang-cong", Role.OFFICIAL), ("dong-que", Role.APPROVER))
    assert may(both, Act.WRITE_BULLETIN, PATH)
    assert not may(both, Act.APPROVE, PATH)


def test_only_an_approver_adds_sound() -> None:
    adding = {Act.APPROVE, Act.BROADCAST_EMERGENCY}
    assert [role for role in Role if PERMITTED[role] & adding] == [Role.APPROVER]


@pytest.mark.parametrize("role", Role)
def test_everybody_with_a_role_may_stop(role: Role) -> None:
    assert may(person(("lang-cong", role)), Act.STOP, PATH)


def test_a_person_without_roles_may_nothing() -> None:
    assert not any(may(person(), act, PATH) for act in Act)


def test_granted_areas_are_those_of_fitting_roles() -> None:
    both = person(("lang-cong", Role.OFFICIAL), ("dong-que", Role.SUPERVISOR))
    assert granted(both, Act.WRITE_BULLETIN) == {"lang-cong"}
    assert granted(both, Act.READ_LOG) == {"lang-cong", "dong-que"}
