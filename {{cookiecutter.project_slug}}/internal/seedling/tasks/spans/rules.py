"""Finds what a checksum or a pattern gives away: accounts, cards, phones, e-mails."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import phonenumbers
from stdnum import iban, luhn

from seedling.tasks.spans.cells import Span, Spans

REGIONS = ("GB", "DE", "FR")  # whose phone numbers are found without their country's code
BETWEEN = r"[ \n./-]?"  # the mark between two groups of a number that has a checksum
ACCOUNT = re.compile(rf"(?<![^\W_])[A-Za-z]{{2}}{BETWEEN}\d{{2}}(?={BETWEEN}[A-Za-z0-9])")
ACCOUNT_END = re.compile(r"[A-Za-z0-9](?![^\W_])")
SHORTEST, LONGEST = 14, 34 + 17  # marks of an IBAN, with one between groups at most
FOURS = rf"[2-6]\d{{3}}(?:{BETWEEN}\d{{4}}){{3}}(?:{BETWEEN}\d{{1,3}})?"
AMERICAN_EXPRESS = rf"3[47]\d\d{BETWEEN}\d{{6}}{BETWEEN}\d{{5}}"
GROUPED = rf"(?<![\w+])(?<!\d[./-])(?:{FOURS}|{AMERICAN_EXPRESS})(?!\w|[./-]\d)"
CARD = re.compile(rf"{GROUPED}|(?<![\w+])[2-6]\d{{3}}(?:[ -]?\d){{8,15}}(?!\w)")
SHORTEST_CARD = 15  # digits, where more follow: a shorter part of them is no card
EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]{0,63}\w@\w[\w-]{0,62}(?:\.[\w-]{0,62}\w){1,8}")
NATIONAL = re.compile(r"(?<![\w+./-])\(?0\d(?:[ ()/.-]{0,2}\d){7,11}(?!\w|[./-]\d)")
DAY = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}(?!\d)|\d{2}$)")


class Found(NamedTuple):
    """A span of a rule; a `sure` one has a checksum, or a form that nothing else has."""

    span: Span
    sure: bool = True


def find(text: str) -> list[Found]:
    """Return what rules find in a text: in its order, without overlaps."""
    text = text.replace("\t", " ")  # of the same length: places stay true
    kept: list[Found] = []
    for found in (*_emails(text), *_accounts(text), *_cards(text), *_phones(text)):
        if not _overlaps(found.span, [other.span for other in kept]):
            kept.append(found)
    return sorted(kept)


def merged(learned: Iterable[Span], ruled: Sequence[Found]) -> Spans:
    """Return the spans of a model and of rules in order, without overlaps.

    What a rule is sure of goes before what was learned, and that before the rest.
    """
    sure = [found.span for found in ruled if found.sure]
    free = [span for span in learned if not _overlaps(span, sure)]
    others = [found.span for found in ruled if not (found.sure or _overlaps(found.span, free))]
    return tuple(sorted([*sure, *free, *others]))


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _emails(text: str) -> Iterator[Found]:
    for match in EMAIL.finditer(text):
        yield Found(Span(*match.span(), "email"))


def _accounts(text: str) -> Iterator[Found]:
    """Yield the longest IBAN from each place where one may begin."""
    for match in ACCOUNT.finditer(text):
        window = text[match.start() : match.start() + LONGEST + 1]
        ends = [end.end() for end in ACCOUNT_END.finditer(window, SHORTEST, LONGEST)]
        for end in reversed(ends):
            if iban.is_valid(re.sub(r"[\W_]", "", window[:end]), check_country=False):
                yield Found(Span(match.start(), match.start() + end, "account"))
                break


def _cards(text: str) -> Iterator[Found]:
    """Yield the numbers of cards; digits behind a mark may be those of its last month."""
    for match in CARD.finditer(text):
        number, start = match.group(), match.start()
        for end in _ends(number, " \n./-"):
            digits = re.sub(r"\D", "", number[:end])
            if end < len(number) and len(digits) < SHORTEST_CARD:
                break
            if luhn.is_valid(digits):
                yield Found(Span(start, start + end, "card"))
                break


def _phones(text: str) -> Iterator[Found]:
    """Yield international numbers, then national ones: those could be the digits of a day."""
    for number in phonenumbers.PhoneNumberMatcher(text, None):
        yield Found(Span(number.start, number.end, "phone"))
    for match in NATIONAL.finditer(text):
        digits, start = match.group(), match.start()
        for end in _ends(digits, " "):
            if _is_phone(digits[:end]):
                yield Found(Span(start, start + end, "phone"), sure=False)
                break


def _is_phone(number: str) -> bool:
    """Return whether a number is one of a region, and does not begin with a day."""
    return not DAY.match(number) and any(_is_valid(number, region) for region in REGIONS)


def _is_valid(number: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _ends(number: str, marks: str) -> list[int]:
    """Return where a number may end: behind all that was matched, or before one of the marks."""
    return [len(number), *(at for at in reversed(range(len(number))) if number[at] in marks)]
