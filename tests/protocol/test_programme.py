import pytest
from pydantic import ValidationError

from loa.protocol.kinds import StandingMessage
from loa.protocol.programme import Config, NodeSettings
from tests.node_agent.makers import make_config


def test_a_node_that_looks_ahead_for_less_than_two_days_cannot_be_set_up() -> None:
    with pytest.raises(ValidationError, match="fetch_ahead_ms"):
        NodeSettings.model_validate({"fetch_ahead_ms": 6 * 3_600_000})


def test_a_configuration_in_an_unknown_time_zone_is_refused_before_a_node_keeps_it() -> None:
    content = make_config().model_dump(mode="json") | {"tz": "Asia/Lang_Cong"}
    with pytest.raises(ValidationError, match="time zone"):
        Config.model_validate(content)


def test_a_standing_message_that_an_older_node_does_not_know_is_nothing_to_it() -> None:
    source = {"kind": "recording", "recording": "a" * 64, "duration_ms": 20_000, "size_bytes": 80_000}
    said = make_config().model_dump(mode="json") | {"standing": {"siren": source, "tsunami": source}}
    config = Config.model_validate(said)
    assert list(config.standing) == [StandingMessage.SIREN]
    assert Config.from_bytes(config.to_bytes()) == config
