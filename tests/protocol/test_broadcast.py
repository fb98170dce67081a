import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loa.protocol.broadcast import Broadcast, Entry
from loa.protocol.errors import MalformedError, UnapprovedError
from loa.protocol.ids import sha256_hex
from loa.protocol.keys import SigningKey
from loa.protocol.trust import check_word
from tests.protocol.makers import NOW, make_broadcast, make_entry, ring

_KEY = SigningKey.generate()


@given(st.text(min_size=1, max_size=200))
def test_a_broadcast_read_back_keeps_its_name(title: str) -> None:
    try:
        broadcast = make_broadcast(title)
        content = broadcast.to_bytes()
    except UnicodeEncodeError:
        return
    assert Broadcast.from_bytes(content).id == broadcast.id == sha256_hex(content)


def test_canonical_bytes_are_sorted_without_spaces_and_nulls() -> None:
    content = make_broadcast().to_bytes().decode()
    assert content == json.dumps(
        json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert "null" not in content
    assert "tiêm phòng" in content


@pytest.mark.parametrize(
    "change", [{"title": "Khác"}, {"audience": ("tam-da",)}, {"created_at": NOW + timedelta(milliseconds=1)}]
)
def test_any_change_is_another_broadcast(change: dict[str, object]) -> None:
    assert make_broadcast().model_copy(update=change).id != make_broadcast().id


@pytest.mark.parametrize("audience", [[], ["b", "a"], ["a", "a"], ["A"], ["a/b"]])
def test_an_audience_is_sorted_slugs_each_once(audience: list[str]) -> None:
    fields = json.loads(make_broadcast().to_bytes()) | {"audience": audience}
    with pytest.raises(MalformedError, match="audience"):
        Broadcast.from_bytes(json.dumps(fields))


def test_an_entry_with_its_approval_is_accepted() -> None:
    check_word(make_entry(_KEY), ring(_KEY))


def test_fields_of_a_newer_sender_do_not_change_the_name() -> None:
    entry = make_entry(_KEY)
    document = json.dumps(json.loads(entry.document) | {"zone_of_2031": 1}, sort_keys=True)
    newer = entry.model_copy(update={"document": document})
    assert newer.broadcast == entry.broadcast
    assert newer.id == sha256_hex(document.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"document": make_broadcast("Tin giả").to_bytes().decode()},
        {"approvals": make_entry(SigningKey.generate()).approvals},
    ],
    ids=["another document", "a stranger's approval"],
)
def test_an_approval_holds_for_its_very_bytes_and_key(change: dict[str, object]) -> None:
    with pytest.raises(UnapprovedError):
        check_word(make_entry(_KEY).model_copy(update=change), ring(_KEY))


@pytest.mark.parametrize("change", [{"approver": "khac"}, {"approved_at": NOW + timedelta(hours=1)}])
def test_approver_and_instant_are_part_of_the_approval(change: dict[str, object]) -> None:
    entry = make_entry(_KEY)
    forged = entry.approvals[0].model_copy(update=change)
    with pytest.raises(UnapprovedError):
        check_word(entry.model_copy(update={"approvals": (forged,)}), ring(_KEY))


def test_an_entry_needs_a_broadcast_and_an_approval() -> None:
    entry = make_entry(_KEY)
    with pytest.raises(ValidationError):
        Entry(document="{}", approvals=entry.approvals, issued_at=NOW)
    with pytest.raises(ValidationError):
        Entry(document=entry.document, approvals=(), issued_at=NOW)
