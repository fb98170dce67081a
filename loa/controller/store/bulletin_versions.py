"""What bulletins said before, in the database."""

from pydantic import TypeAdapter
from sqlalchemy import delete
from sqlmodel import Session, col, select

from loa.controller.core.bulletin_versions import Version, VersionAct
from loa.controller.core.bulletins import Draft
from loa.controller.store.page_tables import VersionRow

_DRAFT = TypeAdapter(Draft)


def versions_of(session: Session, bulletin_id: str) -> list[Version]:
    """All that are kept, from the oldest on."""
    found = select(VersionRow).where(VersionRow.bulletin_id == bulletin_id)
    return [_version(row) for row in session.exec(found.order_by(col(VersionRow.revision)))]


def add_version(session: Session, bulletin_id: str, version: Version) -> None:
    """Keep one."""
    row = VersionRow(
        bulletin_id=bulletin_id,
        revision=version.revision,
        act=version.act,
        at=version.at,
        by=version.by,
        comment=version.comment,
        draft=_DRAFT.dump_json(version.draft).decode(),
    )
    session.add(row)
    session.flush()


def forget_versions(session: Session, bulletin_id: str, revisions: list[int] | None = None) -> None:
    """Drop these, or all of the bulletin."""
    gone = delete(VersionRow).where(col(VersionRow.bulletin_id) == bulletin_id)
    if revisions is not None:
        gone = gone.where(col(VersionRow.revision).in_(revisions))
    session.connection().execute(gone)


def _version(row: VersionRow) -> Version:
    return Version(
        revision=row.revision,
        act=VersionAct(row.act),
        at=row.at,
        by=row.by,
        comment=row.comment,
        draft=_DRAFT.validate_json(row.draft),
    )
