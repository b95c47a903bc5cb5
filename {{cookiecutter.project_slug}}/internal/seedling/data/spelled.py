"""Numbers, truth values and lengths of time as people write them into a table, one text at a time.

`spelled_columns` reads whole columns by the same patterns. A sign of money or of percent is
dropped: `$1,234.50` is 1234.5, and `10.3 %` is 10.3, not 0.103.
"""

import re
from functools import cache
from typing import NamedTuple

SPACES = " \t\u00a0\u2007\u2009\u202f"  # the last four are no-break, figure and thin spaces
APOSTROPHES = "'\u2019"
MINUS = "\u2212-"  # the hyphen last, as a class of characters needs it
CODES = "EUR USD GBP CHF JPY SEK NOK DKK PLN CZK HUF CAD AUD NZD CNY INR BRL RUB TRY ZAR MXN"
MONEY = r"(?:(?:US|CA|AU|NZ|HK|R)?\$|[€£¥₹₽₩₺₴₫฿₪₦]|kr\.?|zł|Kč|Fr\.?|Rs\.?|{})".format(
    "|".join(CODES.split())
)
# What stands for a missing value in a column of numbers, truth values or times; in small letters.
SIGNS = "- -- --- \u2013 \u2014 . .. ... ? ?? * #div/0! #value! #ref! #num! #null! #name?"
WORDS = (
    "n/a #n/a na n.a. n/d nd nan null nil none missing unknown unk unbekannt k.a. inconnu "
    "desconocido tbd <na>"
)
NO_WORD = frozenset({"", *SIGNS.split()})
NO_VALUE = NO_WORD | {*WORDS.split(), "not available", "not known", "no data"}
YES_AND_NO = (
    ("true t yes y on", "false f no n off"),
    ("ja j wahr", "nein n falsch nee nej nei"),
    ("oui o vrai v", "non n faux f"),
    ("si sí sì s verdadero vero v sim verdadeiro", "no n falso f não nao"),
    ("tak t ano a да д", "nie n ne нет н"),
    ("kyllä evet igen", "ei hay\u0131r nem"),
    ("是 はい 예", "否 いいえ 아니요"),
)


class Marks(NamedTuple):
    """The marks in the numbers of a table's texts."""

    decimal: str = "."
    thousands: str | None = None  # besides the other of point and comma, spaces and apostrophes

    def swapped(self) -> "Marks":
        """Return the marks with a comma for a point, or a point for a comma."""
        return Marks("." if self.decimal == "," else ",")


POINT = Marks()
PLAIN = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"  # a number as a program writes it
NOTHING = "none"  # as `thousands`: no mark stands between groups of digits


@cache
def number_pattern(marks: Marks) -> str:
    """Return the pattern of a number, with the groups open, sign, inner, body, behind and close.

    It is in the language that both `re` and RE2 understand. Thousands stand in groups of three
    (in India, of two before the last), or are not set apart.
    """
    spaces = f"[{SPACES}]*"
    apart = "".join(re.escape(mark) for mark in sorted(group_marks(marks)))
    grouped = rf"[1-9][0-9]{{0,2}}(?:[{apart}][0-9]{{2,3}})*[{apart}][0-9]{{3}}|"
    whole = f"{grouped if apart else ''}[0-9]+"
    decimal = re.escape(marks.decimal)
    body = rf"(?:{whole})(?:{decimal}[0-9]*)?|{decimal}[0-9]+"
    return (
        rf"^{spaces}(?P<open>\(?){spaces}(?P<sign>[+{MINUS}]?){spaces}{MONEY}?{spaces}"
        rf"(?P<inner>[+{MINUS}]?){spaces}(?P<body>(?:{body})(?:[eE][-+]?[0-9]+)?)"
        rf"(?P<behind>[{MINUS}]?){spaces}(?:{MONEY}|%)?{spaces}(?P<close>\)?){spaces}$"
    )


@cache
def group_marks(marks: Marks) -> frozenset[str]:
    """Return the marks that may stand between groups of digits."""
    if marks.thousands == NOTHING:
        return frozenset()
    other = "." if marks.decimal == "," else ","
    return frozenset({other, *SPACES, *APOSTROPHES, marks.thousands or other} - {marks.decimal})


@cache
def _compiled(marks: Marks) -> re.Pattern[str]:
    return re.compile(number_pattern(marks))


def number(text: str, marks: Marks = POINT) -> float | None:
    """Return the number that a text spells, `(200)` being -200; None if it spells none."""
    found = _compiled(marks).match(text)
    if found is None or len(found["open"]) != len(found["close"]):
        return None
    signs = [found[name] for name in ("open", "sign", "inner", "behind")]
    if sum(map(bool, signs)) > 1:
        return None
    apart = dict.fromkeys(map(ord, group_marks(marks)))
    body = found["body"].translate({**apart, ord(marks.decimal): "."})
    return -float(body) if any(sign and sign != "+" for sign in signs) else float(body)


def is_blank(text: str) -> bool:
    """Return whether a text stands for a missing number, truth value or time."""
    return text.strip().casefold() in NO_VALUE


TRUTHS = {
    word: truth
    for pair in YES_AND_NO
    for words, truth in zip(pair, (True, False), strict=True)
    for word in words.split()
} | {"1": True, "1.0": True, "0": False, "0.0": False}


def truth(text: str) -> bool | None:
    """Return the truth value that a text spells in one of several languages, None if it is none."""
    return TRUTHS.get(text.strip().casefold())


def is_yes_and_no(words: frozenset[str]) -> bool:
    """Return whether words in small letters are yes and no of one language, and nothing else."""
    pairs = (({*yes.split()}, {*no.split()}) for yes, no in YES_AND_NO)
    return any(words & yes and words & no and words <= yes | no for yes, no in pairs)


CLOCK = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+) days?,? ?)?(?:\+?(?P<hours>\d{1,4}):(?P<minutes>[0-5]\d)"
    r"(?::(?P<seconds>[0-5]\d(?:\.\d+)?))?)?"
)
ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def duration(text: str) -> float | None:
    """Return the seconds of `1 days 02:00:00`, `26:00` (hours, minutes) or `P1DT2H`, else None."""
    text = text.strip()
    found = CLOCK.fullmatch(text) or ISO.fullmatch(text)
    parts = {name: each for name, each in (found.groupdict() if found else {}).items() if each}
    if not parts.keys() & SECONDS.keys():
        return None
    negative_days = re.match(r"-\d+ days? ", text)  # pandas writes -1 days +23:00:00 for an hour
    total = sum(float(parts.get(name, 0)) * SECONDS[name] for name in SECONDS if name != "days")
    days = float(parts.get("days", 0)) * SECONDS["days"]
    if negative_days:
        return total - days
    return -(days + total) if "sign" in parts else days + total


def iso_duration(seconds: float) -> str:
    """Return a length of time as `duration` reads it: -PT90.500000S."""
    return f"{'-' * (seconds < 0)}PT{abs(seconds):f}S"
