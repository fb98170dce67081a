"""The ways through the console: the rail on a desk, the tabs on a phone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from loa.controller.core.access import Act
from loa.controller.web.words import lazy


@dataclass(frozen=True, slots=True)
class Way:
    """A link of the frame, for people who may do one of these acts."""

    key: str
    """Pages name it as `here`."""
    href: str
    icon: str
    word: str
    acts: frozenset[Act] = frozenset(Act)
    short: str = ""
    """On a tab of the phone; a way without one is behind "more"."""
    count: str = ""
    """The viewer's number of what waits there."""


_ADMINISTERS = frozenset({Act.MANAGE_PEOPLE, Act.MANAGE_AREAS, Act.READ_AUDIT})
_WRITES = frozenset({Act.READ_BULLETIN})

RAIL: Sequence[Way] = (
    Way("home", "/", "home", lazy("Hôm nay"), short=lazy("Hôm nay")),
    Way("inbox", "/inbox", "inbox", lazy("Tin cấp trên"), frozenset({Act.CHOOSE_INBOX}), count="inbox"),
    Way("approvals", "/approvals", "hourglass", lazy("Chờ duyệt"), _WRITES, count="waiting"),
    Way("bulletins", "/bulletins", "file", lazy("Bản tin"), _WRITES),
    Way("schedule", "/schedule", "calendar", lazy("Lịch phát"), short=lazy("Lịch")),
    Way("nodes", "/nodes", "horn", lazy("Cụm loa")),
    Way("log", "/log", "list", lazy("Nhật ký phát"), frozenset({Act.READ_LOG}), lazy("Nhật ký")),
    Way("reports", "/reports", "chart", lazy("Báo cáo"), frozenset({Act.READ_LOG})),
    Way("admin", "/admin", "gear", lazy("Quản trị"), _ADMINISTERS),
)
EMERGENCY = Way(
    "emergency", "/emergency", "alarm", lazy("Phát khẩn cấp"), frozenset({Act.BROADCAST_EMERGENCY})
)
MORE = Way("more", "/more", "more", lazy("Thêm"), short=lazy("Thêm"))
ME = "/me"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame of one page links to."""

    rail: Sequence[Way]
    tabs: Sequence[Way]
    emergency: Way | None
    more: Way | None
    me: str


def frame(acts: Collection[Act], served: Collection[str]) -> Frame:
    """For a person who may do these acts somewhere, among the addresses that are served."""
    open_ = [way for way in RAIL if way.href in served and not way.acts.isdisjoint(acts)]
    emergency = EMERGENCY if EMERGENCY.href in served and not EMERGENCY.acts.isdisjoint(acts) else None
    return Frame(
        rail=open_,
        tabs=[way for way in open_ if way.short],
        emergency=emergency,
        more=MORE if MORE.href in served else None,
        me=ME if ME in served else "",
    )
