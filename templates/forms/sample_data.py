"""Yours: the sample data of the local feature store. Synthetic; delete it once you have your own.

Forms drawn with a fixed seed, with the place of each personal value in them; no real person. Most
are ordinary. The others differ from these in one respect, their `axis`, and are always held out:
`values` (names, streets and towns that no other form has), `labels` (other words beside the
values), `layouts`, `language` (Spanish) and `noise` (misread characters, as scanners leave them).
Numbers of accounts and cards are valid by their checksums.

`.venv/bin/python -m dataset_creation.sample_data` prints them, once `make init` has made `.venv`.
"""

import json
import re
from collections.abc import Callable
from datetime import date
from random import Random

import pandas as pd

from dataset_creation.sample_words import (
    LABELS,
    MONTHS,
    OTHER_LABELS,
    PROSE,
    REMARKS,
    SPANISH_LABELS,
    TITLES,
    UNSEEN,
    VALUES,
    Values,
)

ORDINARY = 900
AXES = {"values": 160, "labels": 80, "layouts": 80, "language": 80, "noise": 80}
TYPES = ("name", "birth_date", "account", "card", "phone", "email", "address")
Piece = tuple[str, str]  # some text, and its type: "" where it is nothing personal
Words = dict[str, str]  # by type

MISREAD = {
    **{"0": "O", "O": "0", "1": "l", "l": "1", "5": "S", "S": "5", "8": "B", "B": "8", "6": "b"},
    **{"m": "rn", "e": "c", "i": "í", "a": "á", "h": "b", "g": "q", "n": "ri", "ü": "u", "é": "e"},
    **{":": ";", ".": ",", "@": "©", "-": "—", " ": "  ", "/": "I", "ß": "B", "ä": "a", "t": "f"},
}
MISREAD_SHARE = 0.03


def sample_tables() -> dict[str, pd.DataFrame]:
    """The table of the sample store: a form each row, its spans as JSON, and its axis if any."""
    random = Random(16)  # noqa: S311
    axes = [""] * ORDINARY + [axis for axis, count in AXES.items() for _ in range(count)]
    forms = [form(random, axis) for axis in axes]
    random.shuffle(forms)
    table = pd.DataFrame(forms, columns=["text", "spans", "axis"])
    table.insert(0, "form_id", range(1, len(table) + 1))
    return {"forms": table}


def form(random: Random, axis: str) -> tuple[str, str, str | None]:
    """A form that differs from the ordinary ones in the axis only: its text, spans and axis."""
    language = "es" if axis == "language" else random.choice(list(VALUES))
    drawn_from = UNSEEN if axis in ("values", "language") else VALUES
    drawn = fields(random, language, drawn_from[language])
    words = {"labels": OTHER_LABELS, "language": SPANISH_LABELS}.get(axis, LABELS)[language]
    labels = {kind: random.choice(some.split("; ")) for kind, some in words.items()}
    layout = random.choice(OTHER_LAYOUTS if axis == "layouts" else LAYOUTS)
    pieces = layout(random, language, labels, drawn)
    if axis == "noise":
        pieces = [(misread(random, text), kind) for text, kind in pieces]
    if random.random() < 0.15:
        pieces = [(text.replace("\n", "\r\n"), kind) for text, kind in pieces]
    return "".join(text for text, _ in pieces), json.dumps(spans(pieces)), axis or None


def spans(pieces: list[Piece]) -> list[dict[str, int | str]]:
    """Where the personal values stand in the text that the pieces make."""
    found: list[dict[str, int | str]] = []
    start = 0
    for text, kind in pieces:
        end = start + len(text)
        if kind in TYPES:
            found.append({"start": start, "end": end, "label": kind})
        start = end
    return found


def misread(random: Random, text: str) -> str:
    """The text with some characters as a scanner may read them."""
    return "".join(
        MISREAD.get(mark, mark) if random.random() < MISREAD_SHARE else mark for mark in text
    )


# Values.


def fields(random: Random, language: str, drawn_from: Values) -> dict[str, str]:
    """What a form states, in a random order: always a name, and some of the others."""
    given, family = random.choice(drawn_from.given), random.choice(drawn_from.family)
    all_of_them: dict[str, Callable[[], str]] = {
        "birth_date": lambda: written(random, language, a_day(random, 1930, 2008)),
        "account": lambda: grouped(random, iban(random, language)),
        "card": lambda: grouped(random, card(random), " -"),
        "phone": lambda: phone(random, language),
        "email": lambda: email(random, given, family, drawn_from),
        "address": lambda: address(random, language, drawn_from),
        "number": lambda: number(random),
        "day": lambda: written(random, language, a_day(random, 2023, 2026)),
        "amount": lambda: f"{random.randint(5, 4000)}{random.choice(['.00', ',50'])} EUR",
        "remark": lambda: random.choice(REMARKS[language].split("; ")),
    }
    chosen = [kind for kind in all_of_them if random.random() < 0.65]
    drawn = {"name": name(random, given, family)} | {kind: all_of_them[kind]() for kind in chosen}
    order = [*drawn] if random.random() < 0.4 else random.sample([*drawn], len(drawn))
    return {kind: drawn[kind] for kind in order}


def name(random: Random, given: str, family: str) -> str:
    initial = random.choice("ABCDEFGHJKLMPRST")
    plain = f"{given} {family}"
    forms = [
        plain,
        plain,
        plain,
        f"{family}, {given}",
        plain.upper(),
        f"{given} {initial}. {family}",
    ]
    return random.choice([*forms, f"Dr. {plain}", f"{given[0]}. {family}"])


def a_day(random: Random, first: int, last: int) -> date:
    return date(random.randint(first, last), random.randint(1, 12), random.randint(1, 28))


def written(random: Random, language: str, day: date) -> str:
    """A day in one of the notations that forms have."""
    month = MONTHS[language].split()[day.month - 1]
    in_words = {
        "en": [f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"],
        "de": [f"{day.day}. {month} {day.year}"],
        "fr": [f"{day.day} {month} {day.year}"],
        "es": [f"{day.day} de {month} de {day.year}"],
    }[language]
    numbers = [f"{day:%d.%m.%Y}", f"{day:%d/%m/%Y}", f"{day:%Y-%m-%d}", f"{day:%d.%m.%y}"]
    return random.choice([*numbers, f"{day.day}.{day.month}.{day.year}", *in_words])


def digits(random: Random, count: int) -> str:
    return "".join(random.choice("0123456789") for _ in range(count))


def iban(random: Random, language: str) -> str:
    """A number of an account, valid by its checksum (modulo 97)."""
    country, bank, rest = {
        "en": ("GB", "".join(random.choice("ABCDELMNRSW") for _ in range(4)), 14),
        "de": (random.choice(["DE", "DE", "AT"]), "", 18),
        "fr": ("FR", "", 23),
        "es": ("ES", "", 20),
    }[language]
    account = bank + digits(random, 16 if country == "AT" else rest)
    spelled = "".join(str(int(mark, 36)) for mark in f"{account}{country}00")
    return f"{country}{98 - int(spelled) % 97:02}{account}"


def card(random: Random) -> str:
    """A number of a card, valid by its checksum (Luhn)."""
    most = random.choice(["4", "51", "55", "2221"])
    most += digits(random, 15 - len(most))
    total = sum(
        sum(divmod(int(mark) * (2 - place % 2), 10)) for place, mark in enumerate(reversed(most))
    )
    return f"{most}{-total % 10}"


def number(random: Random) -> str:
    """A number of no person: as long as a card's at times, and with a wrong checksum then."""
    if random.random() < 0.2:
        right = card(random)
        return grouped(random, right[:-1] + str((int(right[-1]) + 5) % 10))
    return random.choice([f"{random.randint(2019, 2026)}-{digits(random, 5)}", digits(random, 8)])


def grouped(random: Random, text: str, between: str = " ") -> str:
    """The text in groups of four, or as it is."""
    if random.random() < 0.4:
        return text
    parts = [text[place : place + 4] for place in range(0, len(text), 4)]
    return random.choice(between).join(parts)


def phone(random: Random, language: str) -> str:
    """A number in one of the country's notations."""
    d = lambda count: digits(random, count)  # noqa: E731
    lead = random.choice("23456789")
    by_country = {
        "en": [f"020 7{d(3)} {d(4)}", f"07{lead}{d(2)} {d(6)}", f"+44 20 7{d(3)} {d(4)}",
               f"+44 7{lead}{d(2)} {d(6)}", f"(01{lead}2) {d(3)} {d(4)}"],
        "de": [f"030 {lead}{d(6)}", f"0171/{lead}{d(6)}", f"+49 89 {lead}{d(5)}",
               f"0{lead}21-{lead}{d(5)}", f"+49 (0)170 {lead}{d(6)}"],
        "fr": [f"01 4{d(1)} {d(2)} {d(2)} {d(2)}", f"06.{d(2)}.{d(2)}.{d(2)}.{d(2)}",
               f"+33 6 {d(2)} {d(2)} {d(2)} {d(2)}", f"04{d(8)}"],
        "es": [f"91 {lead}{d(2)} {d(2)} {d(2)}", f"6{d(2)} {d(3)} {d(3)}", f"+34 6{d(2)} {d(6)}"],
    }  # fmt: skip
    return random.choice(by_country[language])


def email(random: Random, given: str, family: str, drawn_from: Values) -> str:
    plain = {"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "ş": "s", "'": ""}
    letters = str.maketrans(plain | dict(zip("éèëÉíóúáñÍÁ", "eeeEiouanIA", strict=True)))
    first, last = given.translate(letters).lower(), family.translate(letters).lower()
    local = [
        f"{first}.{last}",
        f"{first[0]}{last}",
        f"{last}{digits(random, 2)}",
        f"{first}_{last}",
    ]
    return f"{random.choice(local)}@{random.choice(drawn_from.mail)}"


def address(random: Random, language: str, drawn_from: Values) -> str:
    """A street and a town as the country writes them, on one line or two."""
    street, town = random.choice(drawn_from.streets), random.choice(drawn_from.towns)
    house = f"{random.randint(1, 180)}{random.choice(['', '', '', 'a', 'b'])}"
    break_ = random.choice([", ", ", ", "\n"])
    code = f"{random.randint(10, 98)}{digits(random, 3)}"
    if language == "en":
        outward = f"{town[0].upper()}{random.choice('ABSEX')}{random.randint(1, 29)}"
        return (
            f"{house} {street}{break_}{town} {outward} {random.randint(1, 9)}{random.choice('AB')}E"
        )
    if language == "fr":
        return f"{house} {street}{break_}{code} {town}"
    comma = "," if language == "es" else ""
    return f"{street}{comma} {house}{break_}{code} {town}"


# Layouts: functions that put what a form states into pieces.


def title(random: Random, language: str) -> list[Piece]:
    shown = random.choice(TITLES[language].split("; "))
    return [(random.choice([f"{shown}\n", f"{shown.upper()}\n\n", f"== {shown} ==\n", ""]), "")]


def as_lines(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    between = random.choice([": ", ": ", " : ", ":", "\t", " = ", " - "])
    pieces = title(random, language)
    for kind, value in drawn.items():
        pieces += [(f"{labels[kind]}{between}", ""), (value, kind), ("\n", "")]
    return pieces


def below(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    gap = random.choice(["\n", "\n\n"])
    pieces = title(random, language)
    for kind, value in drawn.items():
        pieces += [(f"{labels[kind]}\n", ""), (value, kind), (gap, "")]
    return pieces


def as_table(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    pieces = title(random, language)
    for kind, value in drawn.items():
        pieces += [(f"| {labels[kind]} | ", ""), (value.replace("\n", ", "), kind), (" |\n", "")]
    return pieces


def dotted(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    mark = random.choice("._")
    pieces = title(random, language)
    for kind, value in drawn.items():
        dots = mark * max(3, 24 - len(labels[kind]))
        pieces += [(f"{labels[kind]} {dots} ", ""), (value, kind), ("\n", "")]
    return pieces


def in_pairs(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    pieces = title(random, language)
    for place, (kind, value) in enumerate(drawn.items()):
        after = "\n" if place % 2 else random.choice(["    ", " ; ", "\t"])
        pieces += [(f"{labels[kind]}: ", ""), (value.replace("\n", ", "), kind), (after, "")]
    return pieces


def as_prose(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    """Sentences; one is left out if the form does not state what stands in it."""
    pieces = title(random, language)
    for sentence in PROSE[language].split("|"):
        parts = re.split("<(.*?)>", sentence)  # text and types by turns
        if not all(kind in drawn for kind in parts[1::2]):
            continue
        for place, part in enumerate(parts):
            pieces.append((drawn[part], part) if place % 2 else (part, ""))
    return pieces


def as_tags(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    pieces: list[Piece] = [("<form>\n", "")]
    for kind, value in drawn.items():
        tag = labels[kind].lower().replace(" ", "_")
        pieces += [(f"  <{tag}>", ""), (value.replace("\n", ", "), kind), (f"</{tag}>\n", "")]
    return [*pieces, ("</form>", "")]


def in_columns(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    """A line of the labels, and a line of the values."""
    pieces: list[Piece] = [(" ; ".join(labels[kind] for kind in drawn) + "\n", "")]
    for kind, value in drawn.items():
        pieces += [(value.replace("\n", ", "), kind), (" ; ", "")]
    return pieces


def as_letter(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    """The values one below the other, without any labels: a letter's head."""
    first: list[str] = [kind for kind in ("name", "address", "phone", "email") if kind in drawn]
    pieces: list[Piece] = []
    for kind in first:
        pieces += [(drawn[kind], kind), ("\n", "")]
    pieces += [("\n", ""), *title(random, language)]
    for kind in [kind for kind in drawn if kind not in first]:
        pieces += [(f"{labels[kind]} ", ""), (drawn[kind], kind), ("\n", "")]
    return pieces


def numbered(random: Random, language: str, labels: Words, drawn: Words) -> list[Piece]:
    pieces = title(random, language)
    for place, (kind, value) in enumerate(drawn.items(), start=1):
        pieces += [(f"{place}) {labels[kind]} → «", ""), (value, kind), ("»\n", "")]
    return pieces


LAYOUTS = [as_lines, as_lines, below, as_table, dotted, in_pairs, as_prose]
OTHER_LAYOUTS = [as_tags, in_columns, as_letter, numbered]


if __name__ == "__main__":
    for name_, table in sample_tables().items():
        print(name_, table, sep="\n")
