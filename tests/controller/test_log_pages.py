"""The log's pages and files: search, one line's evidence, saved filters, what leaves, and for whom."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openpyxl
import pypdf
import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.tree import AreaKind
from loa.controller.services.areas import NewArea
from loa.controller.services.saved_filters import MOST
from loa.protocol.ids import AreaId, NodeId
from tests.controller.log_factory import ears, keep, log_line
from tests.controller.site import Client, Site, open_site

NOW = datetime.now(UTC).replace(microsecond=0)
FIRST = NOW.replace(hour=4, minute=0, second=0) - timedelta(days=2)
EVIL = '=HYPERLINK("http://x","bấm")'
SILENT = f"{'b' * 64}@{int((FIRST + timedelta(hours=1)).timestamp() * 1000)}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = open_site(tmp_path_factory.mktemp("log") / "data")
    opened.node("cum-1", VILLAGES[0])
    opened.node("cum-2", VILLAGES[1])
    keep(
        opened.controller.db,
        [
            log_line(FIRST, **ears(heard=8)),
            log_line(FIRST, "cum-2", area_id=VILLAGES[1]),
            log_line(
                FIRST + timedelta(hours=1), broadcast_id="b" * 64, title="Thu phí đợt 2", **ears(heard=0)
            ),
            log_line(FIRST + timedelta(hours=2), broadcast_id="c" * 64, title=EVIL, outcome="missed"),
        ],
    )
    yield opened
    opened.controller.release_pages()


@pytest.fixture(scope="module")
def people(site: Site) -> dict[str, Client]:
    roles = {
        "tam": (COMMUNE, Role.SUPERVISOR),
        "xa": ("thon-phu-cuong", Role.SUPERVISOR),
        "ba": (COMMUNE, Role.ADMIN),
    }
    found = {}
    for name, role in roles.items():
        token = site.user(name, role).headers["authorization"].removeprefix("Bearer ")
        found[name] = Client(site.app, {"authorization": f"Bearer {token}"}, base="https://loa.test")
    return found


@pytest.fixture
def tam(people: dict[str, Client]) -> Client:
    return people["tam"]


@pytest.fixture
def stranger(people: dict[str, Client]) -> Client:
    return people["xa"]


def titles(page: str) -> list[str]:
    return re.findall(r'<td class="cell-what"><a href="[^"]+">([^<]+)</a>', page)


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 4), ("&node=cum-2", 1), (f"&area={VILLAGES[1]}", 1), ("&area=cum-1", 3), ("&outcome=not_heard", 1)],
)
def test_the_log_is_restricted_by_its_address(tam: Client, query: str, count: int) -> None:
    page = tam.get(f"/log?day={query}").text
    assert len(titles(page)) == count
    assert f"{count} dòng" in page


def test_a_group_of_loudspeakers_is_a_filter_of_page_files_report_and_api(tam: Client, site: Site) -> None:
    make_zone(site, "cho", "cum-2")
    assert len(titles(tam.get("/log?day=&area=cho").text)) == 1
    assert [row[3] for row in rows_of(tam.get("/log/export/file?format=csv&day=&area=cho").content)[1:]] == [
        "Lịch tiêm phòng"
    ]
    assert len(rows_of(tam.get("/api/v1/log.csv?area=cho").content)) == 2
    assert [line["node"] for line in tam.get("/api/v1/log?area=cho").json()["items"]] == ["cum-2"]
    assert "chưa có lượt phát nào" not in tam.get(f"/reports?month={FIRST:%Y-%m}&area=cho").text


def test_who_looks_after_a_group_reads_its_lines_and_no_others(site: Site) -> None:
    make_zone(site, "ven-song", "cum-1")
    token = site.user("nhom", ("ven-song", Role.SUPERVISOR)).headers["authorization"]
    who = Client(site.app, {"authorization": token}, base="https://loa.test")
    assert len(titles(who.get("/log?day=").text)) == 3
    assert who.get(f"/log/{SILENT}/cum-1").status_code == 200
    assert who.get(f"/log/{'a' * 64}@{int(FIRST.timestamp() * 1000)}/cum-2").status_code == 404
    assert who.get("/log?area=cho").status_code == 404


def make_zone(site: Site, zone: str, *nodes: str) -> None:
    admin = Person("test", "Test", frozenset({Grant(AreaId(COMMUNE), Role.ADMIN)}))
    new = NewArea(id=zone, name=zone, kind=AreaKind.ZONE, parent_id=AreaId(COMMUNE))
    with site.controller.db.work() as work:
        site.controller.areas.add(work, admin, new)
        site.controller.areas.set_members(work, admin, AreaId(zone), frozenset(map(NodeId, nodes)))


def test_the_order_can_be_turned(tam: Client) -> None:
    newest = titles(tam.get("/log?day=").text)
    assert titles(tam.get("/log?day=&order=oldest").text) == newest[::-1]


def test_one_line_says_what_is_known_of_each_rung(tam: Client) -> None:
    page = tam.get(f"/log/{SILENT}/cum-1").text
    assert "Không nghe thấy" in page
    assert "khớp bản thu 8 trên 8 giây" in page
    assert "chỉ thu tiếng ồn nền trong 8 giây" in page
    loopback, microphone = re.findall(r'<figure class="comparison">.*?</figure>', page, re.DOTALL)
    assert heights(loopback, "bar-below") == heights(loopback, "bar-above")
    assert heights(microphone, "bar-above") == heights(loopback, "bar-above")
    assert max(heights(microphone, "bar-missing")) < min(heights(microphone, "bar-above"))
    assert "khớp 0%" in microphone
    assert '<th scope="row">0:07</th><td>−19</td><td>−51</td>' in microphone
    assert "Tính là không nghe thấy trong báo cáo" in page


def heights(figure: str, bar: str) -> list[int]:
    return [int(height) for height in re.findall(rf'class="{bar}"[^>]*height="(\d+)"', figure)]


def test_what_no_ear_measured_is_not_drawn(tam: Client) -> None:
    page = tam.get(f"/log/{'a' * 64}@{int(FIRST.timestamp() * 1000)}/cum-2").text
    assert "không có micrô" in page
    assert "<svg viewBox=" not in page.partition('class="climb"')[2].partition("</ol>")[0]


@pytest.mark.parametrize(
    "path",
    [
        f"/log/{SILENT}/cum-1",
        f"/log?area={COMMUNE}",
        f"/log/export?area={COMMUNE}",
        f"/log/export/file?format=csv&area={COMMUNE}",
        f"/reports?area={COMMUNE}",
        f"/reports/file.csv?area={COMMUNE}",
        f"/api/v1/log.csv?area={COMMUNE}",
        f"/api/v1/log.xlsx?area={COMMUNE}",
        "/log/filters/none/delete",
    ],
)
def test_a_stranger_gets_nothing(tam: Client, stranger: Client, path: str) -> None:
    def asked(who: Client) -> int:
        return (who.send(path, {}) if path.endswith("delete") else who.get(path)).status_code

    assert asked(stranger) == 404
    if not path.endswith("delete"):
        assert asked(tam) == 200


@pytest.mark.parametrize("path", ["/log/x/y", f"/log/{SILENT}/cum-9", "/log/%00/cum-1", "/log?area=%00x"])
def test_what_is_not_there_is_not_found(tam: Client, path: str) -> None:
    assert tam.get(path).status_code == 404


def test_without_a_filter_a_stranger_s_files_are_empty(stranger: Client) -> None:
    assert len(rows_of(stranger.get("/api/v1/log.csv").content)) == 1
    assert titles(stranger.get("/log?day=&node=cum-1").text) == []


def test_filters_are_kept_for_the_person_alone(tam: Client, people: dict[str, Client]) -> None:
    sent = tam.send("/log/filters", {"name": " Loa  im ", "query": "day=week&outcome=not_heard"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/log?day=week&outcome=not_heard")
    page = tam.get("/log?day=").text
    found = re.search(r"/log/filters/(\w+)/delete", page)
    assert found
    assert "Đã lưu: Loa im" in page
    assert "Đã lưu: Loa im" not in people["ba"].get("/log?day=").text
    assert people["ba"].send(f"/log/filters/{found[1]}/delete", {}).status_code == 404
    assert tam.send(f"/log/filters/{found[1]}/delete", {"query": "day="}).status_code == 303
    assert "Đã lưu: Loa im" not in tam.get("/log?day=").text


def test_filters_are_limited_in_number_and_need_names(people: dict[str, Client]) -> None:
    ba = people["ba"]
    assert "Đặt tên" in ba.send("/log/filters", {"name": " ", "query": "day="}).text
    for number in range(MOST):
        assert ba.send("/log/filters", {"name": f"Bộ {number}", "query": "day="}).status_code == 303
    assert ba.send("/log/filters", {"name": "Bộ 3", "query": "day=week"}).status_code == 303
    more = ba.send("/log/filters", {"name": "Một bộ nữa", "query": "day="})
    assert more.status_code == 409
    assert f"Bạn đã lưu {MOST} bộ lọc" in more.text


def rows_of(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes it for Latin-1"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_csv_has_a_line_a_line_and_no_formulas(tam: Client) -> None:
    answer = tam.get("/log/export/file?format=csv&day=")
    rows = rows_of(answer.content)
    assert "attachment" in answer.headers["content-disposition"]
    assert len(rows) == 5
    assert rows[0][3] == "Bản tin"
    assert [row[3] for row in rows[1:]] == [f"'{EVIL}", "Thu phí đợt 2", "Lịch tiêm phòng", "Lịch tiêm phòng"]
    silent = rows[2]
    assert silent[9:14] == ["có", "có", "có", "không", "Không nghe thấy"]
    assert silent[14].startswith("Máy đã phát nhưng micrô không nghe thấy")
    assert re.fullmatch(r"(Thứ \w+|Chủ Nhật) \d\d/\d\d/\d{4} 12:00", " ".join(silent[:3]))


def test_a_workbook_opens_with_the_heading_and_the_lines(tam: Client) -> None:
    answer = tam.get("/log/export/file?format=xlsx&day=")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == "XÃ LÃNG CÔNG"
    assert rows[0][8] == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    assert rows[1][8] == "Độc lập - Tự do - Hạnh phúc"
    header = next(number for number, row in enumerate(rows) if row[0] == "Thứ")
    lines = rows[header + 1 : header + 5]
    assert [row[3] for row in lines] == [EVIL, "Thu phí đợt 2", "Lịch tiêm phòng", "Lịch tiêm phòng"]
    assert lines[1][8] == 480
    assert rows[-2][0] == "Người lập"


def test_a_paper_has_the_motto_and_the_lines_in_vietnamese(tam: Client) -> None:
    answer = tam.get("/log/export/file?format=pdf&day=")
    paper = pypdf.PdfReader(io.BytesIO(answer.content))
    text = "\n".join(page.extract_text() for page in paper.pages)
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Thu phí đợt 2",
        "Cụm loa",
    ):
        assert said in text
    assert f"ngày {NOW + timedelta(hours=7):%d} tháng {NOW + timedelta(hours=7):%m}" in text
    assert "THỦ TRƯỞNG ĐƠN VỊ" in text


def test_the_page_asks_which_file_and_says_what_is_in_it(tam: Client) -> None:
    page = tam.get("/log/export?day=&outcome=not_heard").text
    assert "Xuất 1 dòng" in page
    assert "Micrô không nghe thấy" in page
    assert 'name="outcome" value="not_heard"' in page
    assert tam.get("/log/export/file?format=doc").status_code == 422


def test_programs_get_the_same_lines(tam: Client) -> None:
    assert len(rows_of(tam.get("/api/v1/log.csv?title=thu+phi+dot").content)) == 1
    assert len(rows_of(tam.get("/api/v1/log.csv?node=cum-1").content)) == 4
    book = openpyxl.load_workbook(io.BytesIO(tam.get("/api/v1/log.xlsx?node=cum-2").content), read_only=True)
    nodes = [row[-1] for row in book.worksheets[0].iter_rows(values_only=True) if len(row) == 22]
    assert nodes == ["Mã cụm loa", "cum-2"]
    refused = Client(tam.app, base="https://loa.test").get("/api/v1/log.csv")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_report_shows_doubt_beside_what_was_heard(tam: Client) -> None:
    page = tam.get(f"/reports?month={FIRST:%Y-%m}").text
    assert f"Tháng {FIRST.month}: 25% lượt phát chắc chắn đã vang lên" in page
    assert "25% máy đã phát nhưng không kiểm được vì cụm loa không có micrô." in page
    assert "25% không biết vì loa chưa báo về." in page
    assert "25% không phát, phát thiếu hoặc không nghe thấy" in page
    assert "24" in re.findall(r"<dt>Y tế, dân số</dt><dd>(\d+)</dd>", page)
    rows = rows_of(tam.get(f"/reports/file.csv?month={FIRST:%Y-%m}").content)
    assert ["Kết quả", "Chắc chắn đã vang lên", "1"] in rows
    assert ["Cụm loa hay im", "cum-1", "1"] in rows


def test_a_month_without_lines_says_so(tam: Client) -> None:
    assert "Tháng 1: chưa có lượt phát nào" in tam.get("/reports?month=2020-01").text
