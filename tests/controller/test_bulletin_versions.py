"""Which versions of a bulletin are kept, and what changed between them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loa.controller.core.bulletin_versions import (
    FOLD,
    MOST,
    Part,
    Version,
    VersionAct,
    changes,
    folds,
    surplus,
)
from loa.controller.core.bulletins import Draft, Plan
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import When

AT = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
DRAFT = Draft(area=AreaId("lang-cong"), title="Tiêm phòng")


def version(
    revision: int = 1, act: VersionAct = VersionAct.SAVED, *, by: str = "hanh", at: datetime = AT
) -> Version:
    return Version(revision=revision, act=act, at=at, by=by, comment=None, draft=DRAFT)


@pytest.mark.parametrize(
    ("last", "following", "told"),
    [
        (None, version(), False),
        (version(), version(2, at=AT + timedelta(minutes=1)), True),
        (version(), version(2, at=AT + FOLD), False),
        (version(), version(2, by="hoa"), False),
        (version(act=VersionAct.SUBMITTED), version(2), False),
        (version(), version(2, VersionAct.SUBMITTED), False),
    ],
)
def test_saves_of_one_person_in_a_row_are_one_version(
    last: Version | None, following: Version, *, told: bool
) -> None:
    assert folds(last, following) is told


def test_too_many_saves_are_forgotten_and_what_was_sent_is_not() -> None:
    kept = [version(n, VersionAct.SUBMITTED if n % 10 == 0 else VersionAct.SAVED) for n in range(1, MOST + 4)]
    assert [one.revision for one in surplus(kept)] == [1, 2, 3]
    assert not surplus(kept[:MOST])


@pytest.mark.parametrize(
    ("after", "parts"),
    [
        (DRAFT, []),
        (replace(DRAFT, title="Họp thôn"), [Part.TITLE]),
        (replace(DRAFT, text="Kính thưa bà con", class_=BroadcastClass.PRIORITY), [Part.TEXT, Part.CLASS]),
        (
            replace(DRAFT, plan=Plan(audience=(AreaId("a"),), when=When(start_local="2026-06-11T17:30"))),
            [Part.AUDIENCE, Part.WHEN],
        ),
    ],
)
def test_what_changed_is_named_in_the_order_of_the_form(after: Draft, parts: list[Part]) -> None:
    assert changes(DRAFT, after) == parts


def test_a_first_version_fills_in_what_it_has() -> None:
    assert changes(None, DRAFT) == [Part.TITLE]
