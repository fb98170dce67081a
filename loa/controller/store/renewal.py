"""What is worth nothing once the controller has other keys."""

from sqlalchemy import delete, update
from sqlmodel import Session, col

from loa.controller.store.people_tables import DeviceRow, FactorRow, RecoveryCodeRow
from loa.controller.store.tables import NodeRow, ProgrammeRow, SessionRow


def forget_what_was_signed(session: Session) -> int:
    """Keys of nodes, sessions, tokens, and messages under the old key; how many nodes have to enrol anew."""
    connection = session.connection()
    enrolled = update(NodeRow).where(col(NodeRow.key_x).is_not(None))
    nodes = connection.execute(enrolled.values(key_x=None)).rowcount
    connection.execute(update(NodeRow).values(config_body=None))
    connection.execute(update(ProgrammeRow).values(urgent=None))
    connection.execute(delete(SessionRow))
    return int(nodes)


def forget_factors_of_all(session: Session) -> None:
    """They are sealed by a key that is replaced; browsers are no longer known either."""
    for table in (FactorRow, RecoveryCodeRow, DeviceRow):
        session.connection().execute(delete(table))
