"""What the standing messages say until an administrator chooses recordings of the commune's own."""

from collections.abc import Mapping

from loa.protocol.kinds import StandingMessage

TEXTS: Mapping[StandingMessage, str] = {
    StandingMessage.EVACUATION: (
        "Thông báo khẩn. Đề nghị bà con rời khỏi nhà ngay, đến điểm sơ tán của thôn, giúp đỡ người "
        "già và trẻ em, không mang theo đồ nặng, làm theo hướng dẫn của cán bộ. Xin nhắc lại, đề nghị "
        "bà con sơ tán ngay."
    ),
    StandingMessage.STORM: (
        "Thông báo khẩn. Bão đang đến gần. Đề nghị bà con ở trong nhà chắc chắn, chằng chống cửa, "
        "tránh xa cây to và cột điện. Xin nhắc lại, bão đang đến gần, đề nghị bà con không ra ngoài."
    ),
    StandingMessage.FLOOD: (
        "Thông báo khẩn. Nước lũ đang lên nhanh. Đề nghị bà con đưa người già và trẻ em lên nơi cao "
        "ngay, ngắt điện trong nhà, không đi qua chỗ nước chảy xiết. Xin nhắc lại, nước lũ đang lên "
        "nhanh, đề nghị bà con lên nơi cao."
    ),
    StandingMessage.FIRE: (
        "Thông báo khẩn. Đang có cháy. Đề nghị bà con rời khỏi khu vực cháy, gọi số một một bốn. Nếu "
        "có khói thì cúi thấp và che mũi bằng khăn ướt. Xin nhắc lại, đang có cháy, đề nghị bà con "
        "rời khỏi khu vực cháy."
    ),
    StandingMessage.ALL_CLEAR: (
        "Thông báo. Tình trạng khẩn cấp đã kết thúc. Bà con có thể trở về nhà và sinh hoạt bình "
        "thường. Xin nhắc lại, tình trạng khẩn cấp đã kết thúc. Cảm ơn bà con đã hợp tác."
    ),
    StandingMessage.TEST: (
        "Đây là tin thử hệ thống loa truyền thanh. Bà con không cần làm gì. Xin nhắc lại, đây chỉ là "
        "tin thử, không có việc khẩn cấp."
    ),
}
"""Of every message but the siren, in words that a voice reads as they stand."""

TITLES: Mapping[StandingMessage, str] = {
    StandingMessage.SIREN: "Còi báo động",
    StandingMessage.EVACUATION: "Sơ tán ngay",
    StandingMessage.STORM: "Bão sắp vào",
    StandingMessage.FLOOD: "Lũ lên nhanh",
    StandingMessage.FIRE: "Đang có cháy",
    StandingMessage.ALL_CLEAR: "Báo an toàn",
    StandingMessage.TEST: "Thử loa",
}
"""What a broadcast of each is called."""
WARNINGS = frozenset(
    {StandingMessage.EVACUATION, StandingMessage.STORM, StandingMessage.FLOOD, StandingMessage.FIRE}
)
"""Those that open with the siren, as they tell of a danger that is there."""
CORRECTION = "Tin vừa phát không đúng. Bà con yên tâm, không cần làm gì. Xin lỗi bà con."
"""What a correction says until somebody writes better."""
CORRECTION_TITLE = "Đính chính"


def excerpt(text: str, words: int = 14) -> str:
    """Its beginning."""
    said = text.split()
    return text if len(said) <= words else " ".join(said[:words]) + "…"
