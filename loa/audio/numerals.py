_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", " nghìn", " triệu", " tỷ", " nghìn tỷ", " triệu tỷ")
_LETTERS = {
    "A": "a",
    "Ă": "á",
    "Â": "ớ",
    "B": "bê",
    "C": "xê",
    "D": "dê",
    "Đ": "đê",
    "E": "e",
    "Ê": "ê",
    "F": "ép",
    "G": "giê",
    "H": "hát",
    "I": "i",
    "J": "gi",
    "K": "ca",
    "L": "lờ",
    "M": "mờ",
    "N": "nờ",
    "O": "o",
    "Ô": "ô",
    "Ơ": "ơ",
    "P": "pê",
    "Q": "quy",
    "R": "rờ",
    "S": "ét",
    "T": "tê",
    "U": "u",
    "Ư": "ư",
    "V": "vê",
    "W": "vê kép",
    "X": "ích",
    "Y": "i",
    "Z": "dét",
}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def cardinal(number: int) -> str:
    """A whole number from 0 to 10^18 - 1 in Vietnamese words."""
    if number == 0:
        return _DIGITS[0]
    groups: list[int] = []
    while number:
        number, group = divmod(number, 1000)
        groups.append(group)
    words = [
        _below_thousand(group, whole=place == len(groups) - 1) + _GROUPS[place]
        for place, group in reversed(list(enumerate(groups)))
        if group
    ]
    return " ".join(words)


def number(text: str) -> str:
    """A number as people write it (`1.500.000`, `2,5`, `05`, `2026`) in words."""
    whole, _, fraction = text.partition(",")
    digits_only = whole.replace(".", "")
    if "." not in whole and len(whole) > 1 and whole.startswith("0"):
        spoken = digits(whole)
    else:
        spoken = cardinal(int(digits_only))
    if not fraction:
        return spoken
    tail = digits(fraction) if fraction.startswith("0") else cardinal(int(fraction))
    return f"{spoken} phẩy {tail}"


def digits(text: str) -> str:
    """Every digit by itself; a comma, which is a breath, where the text has a gap."""
    groups = text.replace(".", " ").replace("-", " ").split()
    return ", ".join(
        " ".join(_DIGITS[int(digit)] for digit in group if digit.isdecimal()) for group in groups
    )


def letters(text: str) -> str:
    """Every letter by its name, digits as a number."""
    return " ".join(_LETTERS.get(letter, letter) for letter in text.upper())


def roman(text: str) -> int:
    """The value of a roman numeral."""
    values = [_ROMAN[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(-one if one < after else one for one, after in zip(values, following, strict=True))


def _below_thousand(group: int, *, whole: bool) -> str:
    hundreds, rest = divmod(group, 100)
    words = []
    if hundreds or not whole:
        words.append(f"{_DIGITS[hundreds]} trăm")
    if rest:
        words.append(_below_hundred(rest, after_hundreds=bool(words)))
    return " ".join(words)


def _below_hundred(rest: int, *, after_hundreds: bool) -> str:
    tens, unit = divmod(rest, 10)
    if tens == 0:
        return f"linh {_DIGITS[unit]}" if after_hundreds else _DIGITS[unit]
    head = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    if unit == 0:
        return head
    if unit == 1 and tens > 1:
        return f"{head} mốt"
    return f"{head} lăm" if unit == 5 else f"{head} {_DIGITS[unit]}"  # noqa: PLR2004 -- five is said differently
