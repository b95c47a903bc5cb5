"""What rules find in a text, and that a span's place is true in the text as it was given."""

import unicodedata

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedling.tasks.spans import rules
from seedling.tasks.spans.cells import Span
from seedling.tasks.spans.model import SpanFinder
from seedling.tasks.spans.normal import Normal
from seedling.tasks.spans.rules import Found

IBAN, CARD = "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"


def found(text: str) -> list[tuple[str, str]]:
    return [(each.span.label, text[each.span.start : each.span.end]) for each in rules.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"IBAN:{IBAN}, bitte", ("account", IBAN)),
        ("Konto DE89370400440532013000", ("account", "DE89370400440532013000")),
        (f"iban {IBAN.lower()}", ("account", IBAN.lower())),
        ("pay GB33BUKB20201555555555.", ("account", "GB33BUKB20201555555555")),
        ("IBAN DE89.3704.0044.0532.0130.00.", ("account", "DE89.3704.0044.0532.0130.00")),
        ("DE 89/3704/0044/0532/0130/00", ("account", "DE 89/3704/0044/0532/0130/00")),
        ("DE89\t3704\t0044\t0532\t0130\t00\t7", ("account", "DE89\t3704\t0044\t0532\t0130\t00")),
        ("DE89 3704 0044\n0532 0130 00\n", ("account", "DE89 3704 0044\n0532 0130 00")),
        (f"card {CARD}.", ("card", CARD)),
        (f"{CARD} 12/27", ("card", CARD)),
        (f"{CARD} 123", ("card", CARD)),
        ("card 4111.1111.1111.1111.", ("card", "4111.1111.1111.1111")),
        ("4111/1111/1111/1111 12/27", ("card", "4111/1111/1111/1111")),
        ("4111\t1111\t1111\t1111\t03/28", ("card", "4111\t1111\t1111\t1111")),
        ("card 4111 1111\n1111 1111\n", ("card", "4111 1111\n1111 1111")),
        ("Amex 3782.822463.10005", ("card", "3782.822463.10005")),
        ("6304 0000 0000 0000 000 01/30", ("card", "6304 0000 0000 0000 000")),
        ("4111-1111-1111-1111", ("card", "4111-1111-1111-1111")),
        ("Amex 378282246310005", ("card", "378282246310005")),
        ("Tel.:+49 (0)170 7804196", ("phone", "+49 (0)170 7804196")),
        ("call 020 7946 0018 today", ("phone", "020 7946 0018")),
        ("030\t2345678", ("phone", "030\t2345678")),
        ("+49\t30\t2345678", ("phone", "+49\t30\t2345678")),
        ("020 7946 0018 24 hours", ("phone", "020 7946 0018")),
        ("Tél 06.12.34.56.78", ("phone", "06.12.34.56.78")),
        ("<a.b+c@mail.example.org>", ("email", "a.b+c@mail.example.org")),
        ("E-Mail: jürgen@example.de.", ("email", "jürgen@example.de")),
    ],
)
def test_a_number_with_the_right_checksum_or_form_is_found_whole(
    text: str, expected: tuple[str, str]
):
    assert found(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        IBAN.replace("89", "88"),
        CARD[:-1] + "2",
        "born 03.04.1985",
        "on 03.04.1985 12 people",
        "4111.1111.1111.1112",
        "255.255.255.255",
        "4111.1111.1111.1111.1111",
        "Datum: 01.02.2026",
        "05/06/1970",
        "Customer 4111 1111 1117 1118",
        "Order 2024-00817",
        "Customer 41111111111111112222333344",
        "1,250.00 EUR",
        "a@b",
        "@example.org",
    ],
)
def test_what_is_nearly_such_a_number_stays(text: str):
    assert found(text) == []


def test_a_checksum_goes_before_the_model_and_the_model_before_a_likely_phone():
    learned = [Span(0, 9, "name"), Span(20, 30, "birth_date")]
    sure, unsure = Span(5, 15, "account"), Span(25, 35, "phone")
    merged = rules.merged(learned, [Found(sure), Found(unsure, sure=False)])
    assert merged == (sure, Span(20, 30, "birth_date"))
    assert rules.merged([], [Found(unsure, sure=False)]) == (unsure,)


PIECES = [
    "Zoë",
    "e\u0301",
    "Å",
    "A\u030a",
    "각",
    "\u1100\u1161\u11a8",
    "क़",
    "\U0001f44d",
    "\U0001f468\u200d\U0001f469",
]
ODD = ["\xa0", "\u202f", "\u2011", "\xad", "\u200b", "\ufeff", "\u2028", "\x85"]
TEXTS = st.lists(
    st.sampled_from([*PIECES, *ODD, "a", " ", "\r\n", "\n", "\r", "12"]) | st.characters()
)


@settings(max_examples=60)
@example("\r\r\n", "NFC")
@example("\ufeff\u200b", "NFC")
@example("\ufeff\xade\xad\u0301\u200b", "NFC")
@given(TEXTS.map("".join), st.sampled_from(["NFC", "NFD"]))
def test_a_span_of_the_normal_text_is_the_same_piece_of_the_text_as_given(text: str, form: str):
    given_text = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    normal = Normal(given_text)
    assert Normal(normal.text).text == normal.text
    end = 0
    for at in range(len(normal.text)):
        start, after = normal.given(at, at + 1)
        assert 0 <= start < after <= len(given_text)
        assert start in (end, end - 1)  # nothing is left out between two
        end = after
        first, last = normal.within(start, after)
        assert first <= at < last
    assert end == len(given_text)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["Name", ": ", "Zoë É", "👍", "\n", IBAN, "x@example.org"])))
def test_the_same_form_from_another_system_has_the_same_spans(pieces: list[str]):
    text = "".join(pieces)
    expected = [
        (label, unicodedata.normalize("NFD", value).replace("\n", "\r\n"))
        for label, value in found(text)
    ]
    other = unicodedata.normalize("NFD", text).replace("\n", "\r\n")
    normal = Normal(other)
    assert normal.text == text
    spans = [(span.label, normal.given(*span[:2])) for span, _ in rules.find(normal.text)]
    assert [(label, other[slice(*place)]) for label, place in spans] == expected


def test_a_form_copied_from_a_page_has_the_same_spans():
    """Blanks that do not break, hyphens that do not, and what no one sees change nothing."""
    text = f"Name: Anna\nIBAN: {IBAN}\n4111-1111-1111-1111 020 7946 0018 anna.b@example.org"
    copied = text.replace(" ", "\xa0").replace("-", "\u2011").replace("\n", "\u2028")
    copied = "\ufeff" + copied.replace("anna.", "an\xadna.\u200b")
    normal = Normal(copied)
    assert normal.text == text
    spans = [copied[slice(*normal.given(*each.span[:2]))] for each in rules.find(normal.text)]
    assert len(spans) == len(found(text)) == 4
    assert spans[-1] == "an\xadna.\u200bb@example.org"


def test_a_model_answers_the_same_form_alike_from_any_system_in_its_own_characters():
    nlp = spacy.blank("xx")
    names = nlp.add_pipe("entity_ruler", name="ner")  # knows two labels, and no phones
    names.add_patterns([{"label": "name", "pattern": "Zoë"}, {"label": "email", "pattern": "-"}])
    text = "\U0001f44d Dr.\nZoë É\r\n\u0041\u030a x@example.org, Zoë! Tel. 020 7946 0018"
    answers = []
    for form in ("NFC", "NFD"):
        for end in ("\n", "\r\n"):
            given_text = unicodedata.normalize(form, text).replace("\n", end)  # type: ignore[arg-type]
            (spans,) = SpanFinder(nlp=nlp).predict([given_text])
            assert [given_text[span["start"] : span["end"]] for span in spans] == [
                span["text"] for span in spans
            ]
            answers.append(
                [(span["label"], unicodedata.normalize("NFC", span["text"])) for span in spans]
            )
    assert answers == [[("name", "Zoë"), ("email", "x@example.org"), ("name", "Zoë")]] * 4


def test_words_of_forms_keep_dates_and_addresses_whole_and_let_go_of_marks():
    from seedling.tasks.spans import words  # noqa: F401 - registers them

    tokenizer = {"@tokenizers": "seedling.form_words.v1"}
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": tokenizer}})
    text = "Name:Anna-Lena O'Brien | geb.03.04.1985;a.b@example.org <b>x</b> IBAN...DE89, (2 m)"
    assert [token.text for token in nlp(text)] == (
        "Name : Anna-Lena O'Brien | geb . 03.04.1985 ; a.b@example.org < b > x < /b > IBAN ... "
        "DE89 , ( 2 m )"
    ).split()


def test_the_marks_of_a_layout_are_no_part_of_a_value():
    nlp = spacy.blank("xx")
    names = nlp.add_pipe("entity_ruler", name="ner")
    whole = [{"TEXT": text} for text in ("|", "Zoë", "|")]
    names.add_patterns([{"label": "name", "pattern": one} for one in (whole, "»")])
    (spans,) = SpanFinder(nlp=nlp).predict(["| Zoë | »"])
    assert [(span["start"], span["text"]) for span in spans] == [(2, "Zoë")]
