"""The words of the emergency page and of the drill page: the same places, never the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from loa.controller.core.emergencies import Deaf, NodeState
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look
from loa.controller.web.words import lazy
from loa.protocol.kinds import StandingMessage


class Say(StrEnum):
    """What the page offers to say: a standing message, or words that are typed."""

    FLOOD = "flood"
    STORM = "storm"
    EVACUATION = "evacuation"
    FIRE = "fire"
    TEXT = "text"
    CORRECTION = "correction"
    ALL_CLEAR = "all_clear"


TYPED = frozenset({Say.TEXT, Say.CORRECTION})
CALM = frozenset({Say.CORRECTION, Say.ALL_CLEAR})
"""These open with the chime: nobody is to run from them."""
OFFERED = (Say.FLOOD, Say.STORM, Say.EVACUATION, Say.FIRE)


class Card(NamedTuple):
    """A choice of the first card."""

    icon: str
    title: str
    hint: str


CARDS: Mapping[Say, Card] = {
    Say.FLOOD: Card("waves", lazy("Lũ lên nhanh"), lazy("Lên nơi cao ngay")),
    Say.STORM: Card("storm", lazy("Bão sắp vào"), lazy("Ở trong nhà chắc chắn")),
    Say.EVACUATION: Card("evacuate", lazy("Sơ tán ngay"), lazy("Đến điểm sơ tán của thôn")),
    Say.FIRE: Card("flame", lazy("Đang có cháy"), lazy("Rời chỗ cháy, gọi 114")),
    Say.TEXT: Card("keyboard", lazy("Gõ nội dung khác"), ""),
    Say.CORRECTION: Card("pencil", lazy("Đính chính"), lazy("Sửa tin vừa phát")),
    Say.ALL_CLEAR: Card("tick", lazy("Báo an toàn"), lazy("Hết nguy hiểm, bà con về nhà")),
}
MESSAGES: Mapping[Say, StandingMessage] = {say: StandingMessage(say) for say in Say if say not in TYPED}


@dataclass(frozen=True, slots=True)
class Mode:
    """One of the two pages."""

    key: str
    address: str
    drill: bool
    icon: str
    title: str
    under_title: str
    tape: str
    """Said again and again under the title; nothing where the tape is striped."""
    hold: str
    first: str
    second: str
    other_address: str
    other_word: str
    live: str
    live_over: str
    withdraw: str


EMERGENCY = Mode(
    key="emergency",
    address="/emergency",
    drill=False,
    icon="alarm",
    title=lazy("Khẩn cấp"),
    under_title=lazy("Loa sẽ kêu thật"),
    tape="",
    hold=lazy("Giữ 2 giây để phát thật"),
    first=lazy("Bấm lần một: mở khóa nút phát thật"),
    second=lazy("Bấm lần hai: phát thật ngay"),
    other_address="/drill",
    other_word=lazy("Chuyển sang diễn tập"),
    live=lazy("Đang phát khẩn cấp: %(title)s"),
    live_over=lazy("Đã phát khẩn cấp: %(title)s"),
    withdraw=lazy("Rút ngay: loa ngừng phát tin này"),
)
DRILL = Mode(
    key="drill",
    address="/drill",
    drill=True,
    icon="flag",
    title=lazy("Diễn tập"),
    under_title=lazy("Không phải thật"),
    tape=lazy("DIỄN TẬP"),
    hold=lazy("Giữ 2 giây để diễn tập"),
    first=lazy("Bấm lần một: mở khóa nút diễn tập"),
    second=lazy("Bấm lần hai: bắt đầu diễn tập"),
    other_address="/emergency",
    other_word=lazy("Chuyển sang phát thật"),
    live=lazy("Đang diễn tập: %(title)s"),
    live_over=lazy("Đã diễn tập: %(title)s"),
    withdraw=lazy("Dừng diễn tập: loa ngừng phát tin này"),
)
MODES = (EMERGENCY, DRILL)

OPENINGS: Mapping[str, str] = {
    "alarm": lazy("Còi hụ %(seconds)s giây, rồi giọng đọc"),
    "speech": lazy("Chuông báo, rồi giọng đọc"),
    "drill": lazy("Chuông báo, không có còi hụ"),
    "upload": lazy("Bản thu sẵn của địa phương"),
    "made": lazy("Bản thu sẵn của địa phương"),
}
"""What people hear first, by the origin of the recording."""
DEAF: Mapping[Deaf, str] = {
    Deaf.LOST: lazy("mất liên lạc"),
    Deaf.STOPPED: lazy("nút dừng tại loa đang giữ"),
    Deaf.NO_OUTPUT: lazy("mất đường âm thanh"),
    Deaf.SILENT: lazy("máy phát nhưng loa không kêu"),
}
STATES: Mapping[NodeState, Look] = {
    NodeState.SOUNDING: catalogue.PLAYING,
    NodeState.SIREN: Look(lazy("Còi hụ thay lời, tiếng chưa về"), "bars", "warn"),
    NodeState.UNHEARD: Look(lazy("Loa im"), "horn-off", "bad"),
    NodeState.COMING: Look(lazy("Chưa báo"), "hourglass", "wait"),
    NodeState.SOUNDED: catalogue.PLAYED,
    NodeState.NOT_SOUNDED: catalogue.NOT_PLAYED,
    NodeState.LOST: catalogue.LOST,
}
