# ruff: noqa: E501 -- notices are as long as notices are
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.audio.errors import Empty, TextTooLong
from loa.audio.reading import read_out

NOTICES = [
    (
        "Căn cứ Quyết định số 42/QĐ-UBND ngày 15/6/2026 của UBND xã",
        "Căn cứ Quyết định số bốn mươi hai của Ủy ban nhân dân ngày mười lăm tháng sáu năm hai nghìn không trăm hai mươi sáu của Ủy ban nhân dân xã",
    ),
    (
        "Chi tiết theo TB số 42/TB-UBND.",
        "Chi tiết theo thông báo số bốn mươi hai của Ủy ban nhân dân.",
    ),
    (
        "Thông báo 42/QĐ-UBND",
        "Thông báo số bốn mươi hai, Quyết định của Ủy ban nhân dân",
    ),
    (
        "Nghị định 49/2024/NĐ-CP của Chính phủ",
        "Nghị định số bốn mươi chín, năm hai nghìn không trăm hai mươi bốn của Chính phủ",
    ),
    (
        "theo Thông tư số 39/2020/TT-BTTTT",
        "theo Thông tư số ba mươi chín, năm hai nghìn không trăm hai mươi của Bộ Thông tin và Truyền thông",
    ),
    (
        "từ 7h30 ngày 15/6",
        "từ bảy giờ ba mươi phút ngày mười lăm tháng sáu",
    ),
    (
        "từ 7h30 - 11h30 các ngày 15-20/6",
        "từ bảy giờ ba mươi phút đến mười một giờ ba mươi phút các ngày mười lăm đến ngày hai mươi tháng sáu",
    ),
    (
        "7h-9h; 07:30; 7g30; 17h",
        "bảy giờ đến chín giờ; bảy giờ ba mươi phút; bảy giờ ba mươi phút; mười bảy giờ",
    ),
    (
        "1.500.000 đ; 50.000đ/hộ; 2,5 triệu; 2,5 triệu đồng; 100k",
        "một triệu năm trăm nghìn đồng; năm mươi nghìn đồng mỗi hộ; hai phẩy năm triệu; hai phẩy năm triệu đồng; một trăm nghìn đồng",
    ),
    (
        "60 km/h, 12 km, 3 ha, 300 m2, 1.200 m³, 39°C, 20-30 mm, 50kg, 12%, 5,5 %",
        "sáu mươi ki lô mét trên giờ, mười hai ki lô mét, ba héc ta, ba trăm mét vuông, một nghìn hai trăm mét khối, ba mươi chín độ xê, hai mươi đến ba mươi mi li mét, năm mươi ki lô gam, mười hai phần trăm, năm phẩy năm phần trăm",
    ),
    (
        "SĐT: 0912 345 678, 0211.3838.123, 0912345678, (0211) 3838 123, +84 912 345 678, 1900 1234",
        "số điện thoại: không chín một hai, ba bốn năm, sáu bảy tám, không hai một một, ba tám ba tám, một hai ba, không chín một hai ba bốn năm sáu bảy tám, không hai một một, ba tám ba tám, một hai ba, không chín một hai, ba bốn năm, sáu bảy tám, một chín không không, một hai ba bốn",
    ),
    (
        "gọi 113 hoặc 114",
        "gọi một một ba hoặc một một bốn",
    ),
    (
        "Khóa XV, quý III/2026, kỳ họp thứ IV",
        "Khóa mười lăm, quý ba năm hai nghìn không trăm hai mươi sáu, kỳ họp thứ bốn",
    ),
    (
        "QL2C, ĐT.305, TL 307, QL.2",
        "quốc lộ hai xê, đường tỉnh ba trăm linh năm, tỉnh lộ ba trăm linh bảy, quốc lộ hai",
    ),
    (
        "TDP 3, KCN Bá Thiện, THCS Lãng Công, CLB, ATTP, PCTT và TKCN, v.v.",
        "tổ dân phố ba, khu công nghiệp Bá Thiện, trung học cơ sở Lãng Công, câu lạc bộ, an toàn thực phẩm, phòng chống thiên tai và tìm kiếm cứu nạn, vân vân",
    ),
    (
        "TP. Vĩnh Yên, Tp.Việt Trì",
        "thành phố Vĩnh Yên, thành phố Việt Trì",
    ),
    (
        "dịch COVID-19, H5N1, 24/24h, VNeID",
        "dịch covid mười chín, hát năm nờ một, hai mươi bốn trên hai mươi bốn giờ, VNeID",
    ),
    (
        "1/2 số hộ; tỷ lệ 3/4",
        "một phần hai số hộ; tỷ lệ ba phần bốn",
    ),
    (
        "CCCD số 026087001234",
        "căn cước công dân số không hai sáu không tám bảy không không một hai ba bốn",
    ),
    (
        "tháng 7/2026; ngày 2-9; ngày 30-4; từ 15/6-20/6/2026",
        "tháng bảy năm hai nghìn không trăm hai mươi sáu; ngày hai tháng chín; ngày ba mươi tháng bốn; từ ngày mười lăm tháng sáu đến ngày hai mươi tháng sáu năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "năm 2026-2027, 2-3 ngày, tổ 05, 1.234 người, 10.500",
        "năm hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm hai mươi bảy, hai đến ba ngày, tổ không năm, một nghìn hai trăm ba mươi bốn người, mười nghìn năm trăm",
    ),
    (
        "V/v nộp thuế đất",
        "về việc nộp thuế đất",
    ),
    (
        "ngày 15.6.2026 và 15-06-2026",
        "ngày mười lăm tháng sáu năm hai nghìn không trăm hai mươi sáu và ngày mười lăm tháng sáu năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "Kính gửi: ông Nguyễn Văn A, thôn 1.",
        "Kính gửi: ông Nguyễn Văn A, thôn một.",
    ),
    (
        "KT-XH, TW, TƯ, BCH, XYZ, HTX DVNN",
        "kinh tế xã hội, trung ương, trung ương, ban chỉ huy, XYZ, hợp tác xã dịch vụ nông nghiệp",
    ),
    (
        "Nghị quyết số 05-NQ/TU; Luật số 31/2024/QH15; Văn bản 123/UBND-VHXH",
        "Nghị quyết số không năm của Tỉnh ủy; Luật số ba mươi mốt, năm hai nghìn không trăm hai mươi bốn, Quốc hội khóa mười lăm; Văn bản số một trăm hai mươi ba, Ủy ban nhân dân của vê hát ích hát",
    ),
    (
        "Kính mời bà con dự hội nghị tại NVH thôn 3 lúc 19h30 ngày 20/11",
        "Kính mời bà con dự hội nghị tại nhà văn hóa thôn ba lúc mười chín giờ ba mươi phút ngày hai mươi tháng mười một",
    ),
    (
        "Điện lực tạm ngừng cấp điện từ 5h00 đến 11h00 ngày 02/12/2026",
        "Điện lực tạm ngừng cấp điện từ năm giờ đến mười một giờ ngày hai tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "Thu thuế sử dụng đất phi nông nghiệp trước ngày 31/10",
        "Thu thuế sử dụng đất phi nông nghiệp trước ngày ba mươi mốt tháng mười",
    ),
    (
        "Tiêm phòng vắc xin cho đàn lợn từ 1-10/9",
        "Tiêm phòng vắc xin cho đàn lợn từ ngày một đến ngày mười tháng chín",
    ),
    (
        "HĐND xã khóa XXI tổ chức kỳ họp thứ 5",
        "Hội đồng nhân dân xã khóa hai mươi mốt tổ chức kỳ họp thứ năm",
    ),
    (
        "Bão số 3 giật cấp 12, sức gió 118-133 km/h",
        "Bão số ba giật cấp mười hai, sức gió một trăm mười tám đến một trăm ba mươi ba ki lô mét trên giờ",
    ),
    (
        "Lượng mưa 150-250mm, có nơi trên 300mm",
        "Lượng mưa một trăm năm mươi đến hai trăm năm mươi mi li mét, có nơi trên ba trăm mi li mét",
    ),
    (
        "Nhiệt độ thấp nhất 8-10°C",
        "Nhiệt độ thấp nhất tám đến mười độ xê",
    ),
    (
        "Mức hỗ trợ 1,5 triệu đồng/hộ",
        "Mức hỗ trợ một phẩy năm triệu đồng mỗi hộ",
    ),
    (
        "Phí vệ sinh 25.000đ/hộ/tháng",
        "Phí vệ sinh hai mươi lăm nghìn đồng mỗi hộ mỗi tháng",
    ),
    (
        "Diện tích 2.500 m2 tại thửa số 15",
        "Diện tích hai nghìn năm trăm mét vuông tại thửa số mười lăm",
    ),
    (
        "Đường dây nóng Công an xã: 0211.3838.113",
        "Đường dây nóng Công an xã: không hai một một, ba tám ba tám, một một ba",
    ),
    (
        "Mang theo CCCD và thẻ BHYT",
        "Mang theo căn cước công dân và thẻ bảo hiểm y tế",
    ),
    (
        "Công điện số 08/CĐ-TTg",
        "Công điện số không tám của Thủ tướng Chính phủ",
    ),
    (
        "Kế hoạch số 15/KH-UBND ngày 01/03/2026",
        "Kế hoạch số mười lăm của Ủy ban nhân dân ngày một tháng ba năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "theo Chỉ thị 05-CT/TW",
        "theo Chỉ thị số không năm của trung ương",
    ),
    (
        "BCH PCTT-TKCN xã",
        "ban chỉ huy phòng chống thiên tai-tìm kiếm cứu nạn xã",
    ),
    (
        "Tuyển quân: công dân từ 18-25 tuổi, NVQS 2027",
        "Tuyển quân: công dân từ mười tám đến hai mươi lăm tuổi, nghĩa vụ quân sự hai nghìn không trăm hai mươi bảy",
    ),
    (
        "Nộp hồ sơ tại bộ phận một cửa, từ 8h-11h30 các ngày thứ 2 đến thứ 6",
        "Nộp hồ sơ tại bộ phận một cửa, từ tám giờ đến mười một giờ ba mươi phút các ngày thứ hai đến thứ sáu",
    ),
    (
        "Đã tiêm 1.234/1.500 con",
        "Đã tiêm một nghìn hai trăm ba mươi bốn trên một nghìn năm trăm con",
    ),
    (
        "Giá 85.000-90.000 đ/kg",
        "Giá tám mươi lăm nghìn đến chín mươi nghìn đồng mỗi ki lô gam",
    ),
    (
        "Thời gian: 14h00' ngày 5/5",
        "Thời gian: mười bốn giờ ngày năm tháng năm",
    ),
    (
        "Số hộ nghèo giảm 0,75%",
        "Số hộ nghèo giảm không phẩy bảy mươi lăm phần trăm",
    ),
    (
        "Chương trình OCOP 3 sao",
        "Chương trình OCOP ba sao",
    ),
    (
        "Hội LHPN xã và Hội CCB",
        "Hội liên hiệp phụ nữ xã và Hội cựu chiến binh",
    ),
    (
        "Trường THPT Sông Lô tuyển 10 lớp 10A1",
        "Trường trung học phổ thông Sông Lô tuyển mười lớp mười a một",
    ),
    (
        "từ ngày 15 - 20/6/2026",
        "từ ngày mười lăm đến ngày hai mươi tháng sáu năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "8 giờ 30 phút ngày 1/1",
        "tám giờ ba mươi phút ngày một tháng một",
    ),
    (
        "sáng 30/4, chiều 1/5",
        "sáng ngày ba mươi tháng bốn, chiều ngày một tháng năm",
    ),
    (
        "TB: cắt nước từ 22h đến 4h sáng",
        "thông báo: cắt nước từ hai mươi hai giờ đến bốn giờ sáng",
    ),
    (
        "Liên hệ ĐT: 0988.123.456 (ông Hà)",
        "Liên hệ điện thoại: không chín tám tám, một hai ba, bốn năm sáu (ông Hà)",
    ),
    (
        "Đợt II năm 2026",
        "Đợt hai năm hai nghìn không trăm hai mươi sáu",
    ),
    (
        "đại hội lần thứ XIV của Đảng",
        "đại hội lần thứ mười bốn của Đảng",
    ),
    (
        "xe tải trên 3,5 tấn không đi qua cầu QL2",
        "xe tải trên ba phẩy năm tấn không đi qua cầu quốc lộ hai",
    ),
    (
        "tổng số 12.345.678 đồng",
        "tổng số mười hai triệu ba trăm bốn mươi lăm nghìn sáu trăm bảy mươi tám đồng",
    ),
    (
        "năm học 2026 - 2027",
        "năm học hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm hai mươi bảy",
    ),
    (
        "phạt từ 4.000.000 đến 6.000.000 đồng",
        "phạt từ bốn triệu đến sáu triệu đồng",
    ),
    (
        "Bí thư TƯ Đoàn TNCS HCM",
        "Bí thư trung ương Đoàn Thanh niên Cộng sản Hồ Chí Minh",
    ),
    (
        "Số tài khoản 2601201234567",
        "Số tài khoản hai sáu không một hai không một hai ba bốn năm sáu bảy",
    ),
]


@pytest.mark.parametrize(("written", "spoken"), NOTICES)
def test_a_notice_is_read_out(written: str, spoken: str) -> None:
    assert read_out(written).text == spoken


@pytest.mark.parametrize(("written", "_spoken"), NOTICES)
def test_the_changes_lead_from_the_written_to_the_spoken_text(written: str, _spoken: str) -> None:
    reading = read_out(written)
    assert reading.changes
    for change in reading.changes:
        assert written[change.start : change.end] == change.original
        assert change.spoken in reading.text
    ends = [0, *(change.end for change in reading.changes)]
    assert all(end <= change.start for end, change in zip(ends, reading.changes, strict=False))


def test_plain_words_are_left_alone() -> None:
    text = "THÔNG BÁO VỀ VIỆC CẮT ĐIỆN. Kính thưa bà con!"
    reading = read_out(text)
    assert (reading.text, reading.changes) == (text, ())


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script> TB 5G", "VN<en>x</en>", "a@b.vn & http://x.vn/?a=1"]
)
def test_markup_never_reaches_the_voice(text: str) -> None:
    spoken = read_out(text).text
    assert "<" not in spoken
    assert ">" not in spoken
    assert "/" not in spoken


@pytest.mark.parametrize("text", ["", "   ", "...!?", "\n\n"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(Empty):
        read_out(text)


def test_a_text_beyond_the_limit_is_refused_with_both_figures() -> None:
    with pytest.raises(TextTooLong) as refusal:
        read_out("a" * 100_000)
    assert (refusal.value.characters, refusal.value.limit) == (100_000, 20_000)
    assert read_out("xã " * 10, limit=30).text == "xã " * 10


@given(st.text("aăâđêôơưẠ0123456789 /.,:;-hgkm%ĐUBNDQLTP<>[]()\n", min_size=1, max_size=60))
def test_no_text_breaks_it_and_no_digit_is_left_to_the_voice(text: str) -> None:
    try:
        reading = read_out(text)
    except Empty:
        return
    assert not any("0" <= letter <= "9" for letter in reading.text)
