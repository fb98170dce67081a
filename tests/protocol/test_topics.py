import pytest

from loa.protocol.errors import MalformedError
from loa.protocol.ids import AreaId
from loa.protocol.topics import TABLE, Channel, Topic, wildcard


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.channel))
def test_a_topic_is_read_back_from_its_name(row: object) -> None:
    assert isinstance(row, type(TABLE[0]))
    topic = Topic(row.channel, AreaId("lang-cong"))
    assert Topic.parse(str(topic)) == topic
    assert topic.row is row


def test_names_are_those_of_the_design() -> None:
    assert str(Topic(Channel.URGENT, AreaId("lang-cong"))) == "loa/v1/areas/lang-cong/urgent"
    assert str(Topic(Channel.REPORTS, AreaId("loa-1"))) == "loa/v1/nodes/loa-1/reports"
    assert wildcard(Channel.HELLO) == "loa/v1/nodes/+/hello"


@pytest.mark.parametrize("owner", ["", "+", "#", "a/b", "Xã", "A", "x" * 65])
def test_an_owner_that_is_no_slug_cannot_stand_in_a_topic(owner: str) -> None:
    with pytest.raises(MalformedError):
        Topic(Channel.URGENT, AreaId(owner))


@pytest.mark.parametrize(
    "name",
    ["", "loa/v1/areas/x/state", "loa/v2/areas/x/urgent", "loa/v1/areas/urgent", "loa/v1/nodes/x/urgent/y"],
)
def test_a_name_outside_the_table_is_no_topic(name: str) -> None:
    with pytest.raises(MalformedError):
        Topic.parse(name)


def test_the_table_uses_what_mqtt_3_1_1_gives_everywhere() -> None:
    assert {row.qos for row in TABLE} <= {0, 1}
    assert len({row.channel for row in TABLE}) == len(TABLE) == len(Channel)
