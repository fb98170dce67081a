"""The chain of a journal: the same for node and controller, and another one whatever is changed."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.base64url import to_base64url
from loa.protocol.chain import GENESIS, contents_of, extend
from loa.protocol.errors import MalformedError
from loa.protocol.ids import JournalId, NodeId, OccurrenceId
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import Evidence, PlayReport, ProblemReport, Report, Reports, Sensed

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
levels = st.floats(-120, 120, allow_nan=False)
sensed = st.builds(
    Sensed,
    judged=st.integers(1, 60),
    passed=st.integers(0, 60),
    correlation=st.floats(-1, 1),
    level_db=levels,
)
plays = st.builds(
    PlayReport,
    number=st.integers(1, 999),
    occurrence=st.just(OccurrenceId(f"{'a' * 64}@1795694400000")),
    planned_at=st.just(NOON),
    outcome=st.sampled_from(Reason),
    by=st.none() | texts,
    late_ms=st.integers(-(2**40), 2**40),
    evidence=st.none() | st.builds(Evidence, verified=st.booleans(), heard_by=st.none() | sensed),
)
problems = st.builds(
    ProblemReport,
    number=st.integers(1, 999),
    at=st.just(NOON),
    code=st.sampled_from(ProblemCode),
    detail=texts,
    occurrence=st.none(),
)
batches = st.lists(plays | problems, min_size=1, max_size=5)


@given(batches)
def test_the_controller_reads_the_bytes_that_the_node_chained(reports: list[Report]) -> None:
    batch = Reports(
        node=NodeId("loa-1"), journal_id=JournalId("b" * 32), chain=GENESIS, reports=tuple(reports)
    )
    sent = [one.to_bytes() for one in reports]
    assert contents_of(batch.to_bytes()) == sent
    assert all(content in batch.to_bytes() for content in sent), "verbatim, so that anybody can cut them out"


@given(st.lists(st.binary(max_size=9), max_size=6), st.data())
def test_another_order_or_content_or_number_of_reports_is_another_chain(
    contents: list[bytes], data: st.DataObject
) -> None:
    others = data.draw(st.lists(st.sampled_from([*contents, b"{}"]), max_size=6))
    assert (extend(GENESIS, others) == extend(GENESIS, contents)) is (others == contents)


@given(st.lists(st.binary(max_size=9), max_size=6), st.integers(0, 6))
def test_a_chain_goes_on_where_it_ended(contents: list[bytes], cut: int) -> None:
    assert extend(extend(GENESIS, contents[:cut]), contents[cut:]) == extend(GENESIS, contents)


def test_its_form_is_the_one_in_the_documents() -> None:
    expected = to_base64url(hashlib.sha256(b"A" * 43 + b'{"number":1}').digest())
    assert extend("A" * 43, [b'{"number":1}']) == expected
    assert GENESIS == "A" * 43


def test_what_a_newer_node_adds_is_chained_too() -> None:
    assert contents_of(b'{"reports":[{"z":[1.50,null],"number":1}]}') == [b'{"number":1,"z":[1.5,null]}']


@pytest.mark.parametrize(
    "batch",
    [
        b"",
        b"[]",
        b"{}",
        b'{"reports":1}',
        b'{"reports":["\\ud800"]}',
        b'{"reports":[' + b"9" * 5_000 + b"]}",
        b'{"reports":' + b"[" * 100_000,
        json.dumps({"report": []}).encode(),
    ],
)
def test_what_has_no_canonical_bytes_is_malformed(batch: bytes) -> None:
    with pytest.raises(MalformedError):
        contents_of(batch)
