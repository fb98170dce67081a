"""Lines of the log as rows of a file: the columns, the people in them, the office's heading."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from loa.controller.core.access import Act, Role, permits
from loa.controller.core.people import User
from loa.controller.errors import ControllerError
from loa.controller.services.spreadsheets import Row, Table
from loa.controller.store.people import user_of
from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue
from loa.controller.web.console import Console, Visit
from loa.controller.web.localtime import clock, clock_seconds
from loa.controller.web.log_lines import Reader, look_of, reason_of, rungs_of
from loa.controller.web.words import _, lazy
from loa.protocol.ids import AreaId, BroadcastId
from loa.schedules.localtime import to_wall

MOTTO = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
"""Quốc hiệu và tiêu ngữ, in these very words (Decree 30/2020/NĐ-CP, annex I); never translated."""
DATED = "{place}, ngày {day:%d} tháng {day:%m} năm {day:%Y}"
"""As that decree dates papers: days and months below ten have a zero."""
MOST_REMEMBERED = 5_000
"""Broadcasts whose approver is kept in mind, so that memory does not grow with the file."""
ROLES = {
    Role.ADMIN: lazy("quản trị"),
    Role.OFFICIAL: lazy("cán bộ văn hóa"),
    Role.APPROVER: lazy("lãnh đạo"),
    Role.SUPERVISOR: lazy("người giám sát"),
    Role.TECHNICIAN: lazy("cán bộ kỹ thuật"),
}


@dataclass(frozen=True, slots=True)
class Office:
    """Whose paper it is."""

    name: str
    place: str
    day: date

    @property
    def dated(self) -> str:
        """`Lãng Công, ngày 11 tháng 06 năm 2026`."""
        return DATED.format(place=self.place, day=self.day)


class Approvers:
    """Who approved a broadcast: by name, or by office if names are to be hidden."""

    def __init__(self, console: Console, visit: Visit, *, hide: bool) -> None:
        self._console = console
        self._visit = visit
        self._hide = hide
        self._known: dict[str, str] = {}

    def of(self, broadcast: str) -> str:
        """Empty where the person may not know it."""
        if broadcast not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[broadcast] = self._find(broadcast)
        return self._known[broadcast]

    def _find(self, broadcast: str) -> str:
        controller = self._console.controller
        try:
            with controller.db.look() as session:
                found = controller.broadcasts.get(session, self._visit.person, BroadcastId(broadcast))
                user = user_of(session, found.approved_by)
        except ControllerError:
            return ""
        if self._hide:
            return self._office(user, found.broadcast.issuer)
        return user.name if user else found.approved_by

    def _office(self, user: User | None, issuer: AreaId) -> str:
        """`lãnh đạo xã`."""
        tree = self._visit.places.tree
        above = [place.id for place in tree.path(issuer)] if issuer in tree else []
        for grant in sorted(user.grants) if user else ():
            if grant.area_id in above and _approves(grant.role):
                return f"{ROLES[grant.role]} {catalogue.KINDS[tree.place(grant.area_id).kind]}"
        return _("người duyệt")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What rows are made with."""

    reader: Reader
    visit: Visit
    approvers: Approvers

    def row(self, entry: LogRow) -> Row:
        """A line."""
        at, tz = to_wall(entry.planned_at, self.reader.tz), self.reader.tz
        rungs = [str(catalogue.MARKS[rung.mark][1]) for rung in rungs_of(entry, self.reader.now)]
        return (
            str(catalogue.WEEKDAYS[at.weekday()]),
            f"{at:%d/%m/%Y}",
            clock(entry.planned_at, tz),
            entry.title,
            str(catalogue.FIELDS.get(entry.field, entry.field)),
            str(catalogue.CLASSES.get(entry.class_, entry.class_)),
            self.visit.places.name(AreaId(entry.node_id)),
            entry.place,
            entry.duration_ms / 1000,
            *rungs,
            str(look_of(entry, self.reader.now).word),
            str(reason_of(entry, self.reader)),
            _clock(entry.started_at, tz),
            _clock(entry.ended_at, tz),
            "" if entry.played_ms is None else entry.played_ms / 1000,
            "" if entry.late_ms is None else entry.late_ms / 1000,
            self.approvers.of(entry.broadcast_id),
            entry.occurrence,
            entry.node_id,
        )

    def rows(self, batches: Iterable[Sequence[LogRow]]) -> Iterator[Row]:
        """All lines."""
        for batch in batches:
            for entry in batch:
                yield self.row(entry)


def table_of(office: Office, subject: str, rows: Iterable[Row]) -> Table:
    """The file's table with the office's heading above and the lines to sign below."""
    blank = [""] * 7
    return Table(
        name=_("Nhật ký phát"),
        above=(
            (office.name.upper(), *blank, MOTTO[0]),
            (_("Đài truyền thanh"), *blank, MOTTO[1]),
            ("", *blank, office.dated),
            (_("NHẬT KÝ PHÁT THANH"),),
            (subject,),
        ),
        header=[str(name) for name, _width in COLUMNS],
        widths=[width for _name, width in COLUMNS],
        rows=rows,
        below=(
            (),
            (_("Người lập"), *blank, _("Thủ trưởng đơn vị")),
            (_("(Ký, ghi rõ họ tên)"), *blank, _("(Ký, đóng dấu)")),
        ),
    )


def _approves(role: Role) -> bool:
    return permits(role, Act.APPROVE)


def _clock(at: datetime | None, tz: str) -> str:
    return "" if at is None else clock_seconds(at, tz)


COLUMNS = (
    (lazy("Thứ"), 10),
    (lazy("Ngày"), 11),
    (lazy("Giờ"), 7),
    (lazy("Bản tin"), 36),
    (lazy("Lĩnh vực"), 18),
    (lazy("Mức độ"), 13),
    (lazy("Cụm loa"), 20),
    (lazy("Địa bàn"), 40),
    (lazy("Dài (giây)"), 10),
    (lazy("Đã lên lịch"), 12),
    (lazy("Loa đã nhận"), 12),
    (lazy("Máy đã phát"), 12),
    (lazy("Micrô đã nghe thấy"), 18),
    (lazy("Kết quả"), 18),
    (lazy("Lý do"), 48),
    (lazy("Bắt đầu"), 10),
    (lazy("Kết thúc"), 10),
    (lazy("Đã phát (giây)"), 14),
    (lazy("Trễ (giây)"), 10),
    (lazy("Người duyệt"), 22),
    (lazy("Mã lượt phát"), 30),
    (lazy("Mã cụm loa"), 20),
)
