import re
from collections.abc import Callable
from dataclasses import dataclass
from re import Match, Pattern

from loa.audio.abbreviations import DOCUMENTS, ISSUERS, ROADS, UNITS, WORDS
from loa.audio.numerals import cardinal, digits, letters, number, roman

_NUMBER = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?"
_DASH = r"\s?[-–—]\s?"
_NOT_INSIDE = r"(?<![\w.,/:-])"
_CLOSED = r"(?![\w/])"
_DAY, _MONTH, _HOUR, _MINUTE = 31, 12, 24, 59
_ACCOUNT_DIGITS = 9
"""From here on a number without separators names something (a card, an account) and is spelled."""

ODD_WORD = re.compile(r"[^\s,;.!?()\"“”]*(?:\d|[&@+=#%<>≥≤×/])(?:[^\s,;!?()\"“”]*[^\s,;.!?():\"“”])?")
"""A word that holds a digit or a sign."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where it applies, and what is said there (None: it does not apply after all)."""

    pattern: Pattern[str]
    say: Callable[[Match[str]], str | None]


def _any_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _before(found: Match[str]) -> str:
    """The few words before the match, in lower case."""
    return found.string[max(0, found.start() - 40) : found.start()].lower()


def _document(found: Match[str]) -> str | None:
    kind = DOCUMENTS.get(found["kind"]) or WORDS.get(found["kind"])
    issuers = [_issuer(short) for short in (found["issuer"] or "").split("-") if short]
    before = _before(found)
    said = [("" if before.rstrip().endswith("số") else "số ") + number(found["number"])]
    year = found.groupdict().get("year")
    if year:
        said.append(f"năm {cardinal(int(year))}")
    named = tuple(name.lower() for name in (kind, found["kind"]) if name)
    if kind is None or not before.rstrip().removesuffix("số").rstrip(" :").endswith(named):
        said.append(kind or letters(found["kind"]))
    whole = ", ".join(said)
    of_issuers = f" của {', '.join(issuers)}" if issuers else ""
    already_there = found.string[found.end() :].lower().startswith(of_issuers.lower())
    return whole if already_there else whole + of_issuers


def _law(found: Match[str]) -> str:
    head = "" if _before(found).rstrip().endswith("số") else "số "
    year, term = cardinal(int(found["year"])), cardinal(int(found["term"]))
    return f"{head}{number(found['number'])}, năm {year}, Quốc hội khóa {term}"


def _issuer(short: str) -> str:
    return ISSUERS.get(short) or WORDS.get(short) or letters(short)


def _phone(found: Match[str]) -> str:
    return digits(re.sub(r"\+84[ .-]?", "0", found[0]).replace("(", " ").replace(")", " "))


def _account(found: Match[str]) -> str | None:
    return digits(found[0]) if len(found[0]) >= _ACCOUNT_DIGITS else None


def _time(found: Match[str]) -> str | None:
    return _clock(found["hour"], found["minute"])


def _time_range(found: Match[str]) -> str | None:
    first = _clock(found["hour"], found["minute"])
    last = _clock(found["hour2"], found["minute2"])
    return None if first is None or last is None else f"{first} đến {last}"


def _clock(hour: str, minute: str | None) -> str | None:
    if int(hour) > _HOUR or int(minute or 0) > _MINUTE:
        return None
    said = f"{cardinal(int(hour))} giờ"
    return f"{said} {cardinal(int(minute))} phút" if minute and int(minute) else said


def _date(found: Match[str]) -> str | None:
    day, month, year = int(found["day"]), int(found["month"]), found.groupdict().get("year")
    if not (0 < day <= _DAY and 0 < month <= _MONTH):
        return None
    said = f"{cardinal(day)} {_month_and_year(month, year)}"
    return said if re.search(r"(ngày|mùng|mồng)\s+$", _before(found)) else f"ngày {said}"


def _month_and_year(month: int, year: str | None) -> str:
    said = f"tháng {cardinal(month)}"
    return f"{said} năm {cardinal(int(year))}" if year else said


def _date_range(found: Match[str]) -> str | None:
    first, last, month = int(found["day"]), int(found["day2"]), int(found["month"])
    if not (0 < first <= _DAY and 0 < last <= _DAY and 0 < month <= _MONTH):
        return None
    head = "" if re.search(r"ngày\s+$", _before(found)) else "ngày "
    first_month = f" tháng {cardinal(int(found['month1']))}" if found["month1"] else ""
    until = f"ngày {cardinal(last)} {_month_and_year(month, found['year'])}"
    return f"{head}{cardinal(first)}{first_month} đến {until}"


def _month(found: Match[str]) -> str | None:
    month = int(found["month"])
    return _month_and_year(month, found["year"]) if 0 < month <= _MONTH else None


def _quarter(found: Match[str]) -> str:
    said = f"{found['word']} {cardinal(roman(found['roman']))}"
    year = found.groupdict().get("year")
    return f"{said} năm {cardinal(int(year))}" if year else said


def _fraction(found: Match[str]) -> str:
    return f"{number(found['part'])} phần {number(found['whole'])}"


def _measure(found: Match[str]) -> str:
    first = f"{number(found['first'])} đến " if found["first"] else ""
    said = f"{first}{number(found['number'])}"
    if found["scale"]:
        said += f" {UNITS[found['scale']]}"
    said += f" {UNITS[found['unit']]}"
    each = [UNITS.get(part, part) for part in (found["per"] or "").split("/") if part]
    return " mỗi ".join([said, *each])


def _road(found: Match[str]) -> str:
    letter = f" {letters(found['letter'])}" if found["letter"] else ""
    return f"{ROADS[found['kind']]} {number(found['number'])}{letter}"


def _range(found: Match[str]) -> str:
    return f"{number(found['first'])} đến {number(found['last'])}"


_TIME = r"(?P<hour>\d{1,2})\s?(?:[hg]|giờ\s?(?=\d)|:(?=\d\d))(?P<minute>\d{2})?(?:['’]|\s?phút\b)?"
_TIME2 = _TIME.replace("hour", "hour2").replace("minute", "minute2")
_YEAR = r"(?:[/.-](?P<year>\d{4}))?"
_ROMAN_AFTER = (
    r"[Kk]hóa|[Kk]hoá|KHÓA|[Nn]hiệm kỳ|[Tt]hứ|[Ll]ần|[Cc]hương|[Pp]hần|[Mm]ục|[Tt]hế kỷ|[Cc]ấp|[Ll]oại|"
    r"[Hh]ạng|[Đđ]ợt|[Vv]ùng|[Kk]hu vực|[Gg]iai đoạn|[Kk]ỳ|[Kk]hu|[Đđ]ại hội"
)
_PHONE = (
    r"(?:(?:\+84|\(?0\d{1,3}\)?)[ .-]?\d{2,4}[ .-]?\d{3}(?:[ .-]?\d{1,4})?"
    r"|1[89]00[ .-]?\d{2,4}(?:[ .-]?\d{2,4})?)"
)
_CALLED = r"(?:(?<=gọi )|(?<=máy )|(?<=đài )|(?<=nóng )|(?<=thoại )|(?<=hoặc ))11[1-5]"

RULES = (
    Rule(re.compile(r"(?<![\w/])(?P<number>\d{1,6})/(?P<year>\d{4})/QH(?P<term>\d\d)(?!\w)"), _law),
    Rule(
        re.compile(
            r"(?<![\w/])(?P<number>\d{1,6})-(?P<kind>[A-ZĐ]{2,4}r?)/(?P<issuer>[A-ZĐ][A-Za-zĐ]+)(?!\w)"
        ),
        _document,
    ),
    Rule(
        re.compile(
            r"(?<![\w/])(?P<number>\d{1,6})(?:/(?P<year>\d{4}))?/"
            r"(?P<kind>[A-ZĐ]{2,4}r?)(?:-(?P<issuer>[A-ZĐ][A-Za-zĐ&]*(?:-[A-ZĐ][A-ZĐ]+)*))?(?!\w)"
        ),
        _document,
    ),
    Rule(
        re.compile(rf"(?<![\w.,/]){_PHONE}(?![\w]|[.,/]\d)"),
        lambda found: _phone(found) if _is_phone(found) else None,
    ),
    Rule(re.compile(rf"{_CALLED}(?!\d)", re.IGNORECASE), _phone),
    Rule(re.compile(rf"{_NOT_INSIDE}{_TIME}{_DASH}{_TIME2}{_CLOSED}"), _time_range),
    Rule(re.compile(rf"(?<![\w.,/]){_TIME}{_CLOSED}"), _time),
    Rule(
        re.compile(
            rf"{_NOT_INSIDE}(?P<day>\d{{1,2}})(?:/(?P<month1>\d{{1,2}}))?{_DASH}"
            rf"(?P<day2>\d{{1,2}})/(?P<month>\d{{1,2}}){_YEAR}{_CLOSED}"
        ),
        _date_range,
    ),
    Rule(re.compile(rf"(?<=tỷ lệ )(?P<part>\d)/(?P<whole>\d){_CLOSED}"), _fraction),
    Rule(
        re.compile(rf"{_NOT_INSIDE}(?P<part>\d)/(?P<whole>\d)(?= (?:số|diện tích|tổng|dân|hộ|quân))"),
        _fraction,
    ),
    Rule(
        re.compile(
            rf"{_NOT_INSIDE}(?P<day>\d{{1,2}})(?P<sign>[/.-])(?P<month>\d{{1,2}})(?P=sign)(?P<year>\d{{4}}){_CLOSED}"
        ),
        _date,
    ),
    Rule(re.compile(rf"{_NOT_INSIDE}(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}}){_CLOSED}"), _date),
    Rule(
        re.compile(
            rf"(?<=ngày )(?P<day>\d{{1,2}})-(?P<month>\d{{1,2}}){_CLOSED}(?! tháng)",
            re.IGNORECASE,
        ),
        _date,
    ),
    Rule(re.compile(r"\b[Tt]háng (?P<month>\d{1,2})(?:[/-](?P<year>\d{4}))?" + _CLOSED), _month),
    Rule(re.compile(r"\b(?P<word>[Qq]uý) (?P<roman>[IV]+)(?:[/-](?P<year>\d{4}))?" + _CLOSED), _quarter),
    Rule(re.compile(rf"(?P<word>{_ROMAN_AFTER}) (?P<roman>[IVXL]+)(?!\w)"), _quarter),
    Rule(
        re.compile(rf"(?<!\w)(?P<kind>{_any_of(ROADS)})[. ]?(?P<number>\d{{1,4}})(?P<letter>[A-Z])?(?!\w)"),
        _road,
    ),
    Rule(
        re.compile(
            rf"(?<![\w.,/])(?:(?P<first>{_NUMBER}){_DASH})?(?P<number>{_NUMBER})"
            rf"(?:\s?(?P<scale>triệu|tr|tỷ|nghìn|k)(?=\s(?:đồng|đ\b)))?"
            rf"\s?(?P<unit>{_any_of(UNITS)})(?!\w)(?:\s?/\s?(?P<per>[^\W\d_]+(?:/[^\W\d_]+)?))?"
        ),
        _measure,
    ),
    Rule(
        re.compile(r"\bv\.\s?v\b\.{0,3}|\bv/v\b", re.IGNORECASE),
        lambda found: "về việc" if "/" in found[0] else "vân vân",
    ),
    Rule(
        re.compile(r"(?<!\w)(?:T[Pp]|T[Xx]|T[Tt]|tp|tx|tt)\.(?= ?[A-ZĐ])"),
        lambda found: WORDS[found[0][:2].upper()],
    ),
    Rule(re.compile(rf"(?<![\w]){'(?:' + _any_of(WORDS) + ')'}(?!\w)"), lambda found: WORDS[found[0]]),
    Rule(re.compile(r"(?<!\w)[BCDĐFGHKLMNPQRSTVXWZ]{2,6}(?!\w)"), lambda found: letters(found[0])),
    Rule(re.compile(rf"{_NOT_INSIDE}\d{{6,}}{_CLOSED}"), _account),
    Rule(re.compile(rf"{_NOT_INSIDE}(?P<first>{_NUMBER}){_DASH}(?P<last>{_NUMBER})(?![\w/-])"), _range),
    Rule(
        re.compile(rf"{_NOT_INSIDE}(?P<first>{_NUMBER})/(?P<last>{_NUMBER}){_CLOSED}"),
        lambda found: f"{number(found['first'])} trên {number(found['last'])}",
    ),
    Rule(
        re.compile(rf"(?<![\w/:-])(?<!\d[.,])(?:{_NUMBER})(?![\w/]|[.,]\d|-\w)"),
        lambda found: number(found[0]),
    ),
)
"""In order: what an earlier rule took is not looked at again."""

REMAINDERS = (
    Rule(re.compile(r"\d+"), lambda found: digits(found[0])),
    Rule(re.compile(r"[<>\[\]{}|\\^~*_#/&@+=%×]+"), lambda _: ""),
)
"""For what nothing else took: no digit and no markup reaches the voice."""

_PHONE_DIGITS = (7, 12)


def _is_phone(found: Match[str]) -> bool:
    """A phone number has 8 to 12 digits, hot lines included."""
    least, most = _PHONE_DIGITS
    return least < sum(letter.isdigit() for letter in found[0]) <= most
