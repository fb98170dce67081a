"""Which approvals let a broadcast sound on a node, and which papers take the place of which."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from loa.protocol.broadcast import Broadcast, Entry, approve
from loa.protocol.charter import Papers
from loa.protocol.codec import encode
from loa.protocol.errors import ProtocolError, UnapprovedError, UncharteredError
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.topics import Channel, Topic
from loa.protocol.trust import Trust, check_approvals, newest, trust_in
from tests.passkeys import SoftPasskey
from tests.protocol.makers import AREA, NOW, make_broadcast
from tests.trusting import ADMISSIONS, EMERGENCY, NORMAL, PRIORITY, House

NODE = NodeId("cum-1")
PROVINCE, VILLAGE = AreaId("vinh-phuc"), AreaId("minh-tan")
AREAS = (PROVINCE, AREA, VILLAGE, AreaId(NODE))
KEY = SigningKey.generate()
KEYS = KeyRing([KEY.public])
STANDING = RecordingId("5" * 64)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def house() -> House:
    return House(AREA)


def trust(house: House, *, void: Sequence[str] = (), admissions: object = ADMISSIONS) -> Trust:
    """hoa may do everything here, tam normal ones in the village, old no more, new not yet."""
    roster = house.roster(
        house.approver("hoa"),
        house.approver("mai"),
        house.approver("tam", area=VILLAGE, classes=[NORMAL], authority=10),
        house.approver("old", until_at=NOW - HOUR),
        house.approver("new", from_at=NOW + HOUR),
        house.approver("far", area=AreaId("dong-que")),
        house.approver("above", area=PROVINCE),
        void=void,
    )
    charter = house.charter(NODE, AREAS, standing=[STANDING], admissions=admissions)
    return trust_in(house.papers(roster, charter), root=house.root.public, node=NODE)


def broadcast(class_: BroadcastClass = NORMAL, **changes: object) -> Broadcast:
    return make_broadcast().model_copy(update={"class_": class_, **changes})


def standing() -> Broadcast:
    made = broadcast(EMERGENCY)
    return made.model_copy(update={"source": made.source.model_copy(update={"recording": STANDING})})


@pytest.mark.parametrize(
    ("said", "users"),
    [
        (broadcast(), ["hoa"]),
        (broadcast(), ["stranger", "hoa"]),
        (broadcast(authority=10), ["tam"]),
        (broadcast(PRIORITY), ["hoa"]),
        (broadcast(EMERGENCY), ["hoa", "mai"]),
        (standing(), ["hoa"]),
    ],
)
def test_who_may_approve_lets_it_sound(house: House, said: Broadcast, users: list[str]) -> None:
    check_approvals(house.entry(said, *users, at=NOW), trust(house), KEYS)


@pytest.mark.parametrize(
    ("said", "users"),
    [
        (broadcast(), ["stranger"]),
        (broadcast(), ["tam"]),
        (broadcast(PRIORITY, authority=10), ["tam"]),
        (broadcast(), ["old"]),
        (broadcast(), ["new"]),
        (broadcast(), ["far"]),
        (broadcast(), ["above"]),
        (broadcast(authority=30), ["hoa"]),
        (broadcast(EMERGENCY), ["hoa"]),
        (broadcast(EMERGENCY), ["hoa", "hoa"]),
        (broadcast(EMERGENCY), ["hoa", "stranger"]),
        (standing(), ["stranger"]),
    ],
)
def test_who_may_not_does_not(house: House, said: Broadcast, users: list[str]) -> None:
    with pytest.raises(UnapprovedError):
        check_approvals(house.entry(said, *users, at=NOW), trust(house), KEYS)


def test_the_same_approval_of_another_broadcast_does_not_do(house: House) -> None:
    approved = house.entry(broadcast(), "hoa", at=NOW)
    other = broadcast(title="Một tin khác")
    moved = Entry(document=other.to_bytes().decode(), approvals=approved.approvals, issued_at=NOW)
    with pytest.raises(UnapprovedError, match="0 of 1"):
        check_approvals(moved, trust(house), KEYS)


def test_another_passkey_under_the_name_of_an_approver_does_not_do(house: House) -> None:
    thief = House(
        AREA, root=house.root, passkeys={"hoa": SoftPasskey(credential=house.passkey("hoa").credential)}
    )
    with pytest.raises(UnapprovedError):
        check_approvals(thief.entry(broadcast(), "hoa", at=NOW), trust(house), KEYS)


def test_a_lost_passkey_counts_no_more(house: House) -> None:
    void = [house.passkey("hoa").credential]
    with pytest.raises(UnapprovedError):
        check_approvals(house.entry(broadcast(), "hoa", at=NOW), trust(house, void=void), KEYS)


def controllers(said: Broadcast, key: SigningKey = KEY) -> Entry:
    word = approve(said, approver="hoa", approved_at=NOW, key=key)
    return Entry(document=said.to_bytes().decode(), approvals=(word,), issued_at=NOW)


def test_the_controllers_word_counts_where_the_charter_lets_it(house: House) -> None:
    free = ADMISSIONS | {NORMAL: ADMISSIONS[NORMAL].model_copy(update={"people": 0})}
    check_approvals(controllers(broadcast()), trust(house, admissions=free), KEYS)
    for said, believed in (
        (controllers(broadcast()), trust(house)),
        (controllers(broadcast(PRIORITY)), trust(house, admissions=free)),
        (controllers(broadcast(), SigningKey.generate()), trust(house, admissions=free)),
    ):
        with pytest.raises(UnapprovedError):
            check_approvals(said, believed, KEYS)


def test_a_class_that_the_charter_does_not_name_does_not_sound(house: House) -> None:
    only = {NORMAL: ADMISSIONS[NORMAL]}
    with pytest.raises(UnapprovedError, match="does not sound here"):
        check_approvals(house.entry(broadcast(PRIORITY), "hoa", at=NOW), trust(house, admissions=only), KEYS)


def test_no_rank_above_that_of_the_keepers(house: House) -> None:
    grand = House(AREA, root=house.root, passkeys=house.passkeys)
    roster = grand.roster(grand.approver("hoa", authority=90))
    believed = trust_in(grand.papers(roster, grand.charter(NODE, AREAS)), root=house.root.public, node=NODE)
    with pytest.raises(UnapprovedError):
        check_approvals(grand.entry(broadcast(authority=21), "hoa", at=NOW), believed, KEYS)
    check_approvals(grand.entry(broadcast(authority=20), "hoa", at=NOW), believed, KEYS)


def test_papers_of_another_node_or_none_say_nothing(house: House) -> None:
    papers = house.papers(house.roster(), house.charter(NODE, AREAS))
    with pytest.raises(UncharteredError):
        trust_in(papers, root=house.root.public, node=NodeId("cum-2"))
    with pytest.raises(UncharteredError):
        trust_in(Papers(appointments=papers.appointments), root=house.root.public, node=NODE)
    with pytest.raises(ProtocolError):
        trust_in(papers, root=SigningKey.generate().public, node=NODE)


def test_papers_never_go_back(house: House) -> None:
    first = house.papers(house.roster(version=1), house.charter(NODE, AREAS, version=1))
    second = house.papers(
        house.roster(house.approver("hoa"), version=2), house.charter(NODE, AREAS, version=2)
    )
    root = house.root.public
    assert newest(None, first, root) == first
    assert newest(first, second, root) == second
    assert newest(second, first, root) == second
    same = house.papers(house.roster(house.approver("tam"), version=2), house.charter(NODE, AREAS, version=2))
    assert newest(second, same, root) == second


def test_a_moved_node_is_not_moved_back(house: House) -> None:
    elsewhere = House(AreaId("dong-que"), root=house.root, passkeys=house.passkeys)
    here = house.papers(house.roster(), house.charter(NODE, AREAS, version=5))
    there = elsewhere.papers(
        elsewhere.roster(), elsewhere.charter(NODE, (elsewhere.area, AreaId(NODE)), version=6)
    )
    root = house.root.public
    moved = newest(here, there, root)
    assert trust_in(moved, root=root, node=NODE).areas == (elsewhere.area, AreaId(NODE))
    assert newest(moved, here, root).charter == there.charter


def test_an_emergency_with_two_of_the_longest_signatures_fits_into_an_urgent_message(house: House) -> None:
    windows = {one: SoftPasskey(rsa.generate_private_key(65_537, 2048)) for one in ("hoa", "mai")}
    two = House(AREA, root=house.root, passkeys=house.passkeys | windows)
    said = broadcast(EMERGENCY, title="Nước lũ đang lên nhanh, bà con lên nơi cao ngay" * 2)
    urgent = Urgent(area=AREA, version=1, issued_at=NOW, entries=(two.entry(said, "hoa", "mai", at=NOW),))
    topic = Topic(Channel.URGENT, AREA)
    assert len(encode(topic, urgent, KEY)) <= topic.row.limit_bytes
