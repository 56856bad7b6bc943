"""What changed between two values: the cases of the table "Old → new", line by line."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.catalogue.differences import Happened, difference, first_value
from customers.catalogue.fields import FIELDS
from customers.catalogue.marks import Cut, marked, shortened, side_of

pytestmark = pytest.mark.once

examples = settings(deadline=None, max_examples=150)
MOBILE, HOME, OFFICE = "MOBILE", "HOME", "OFFICE"


def shown(side):
    """A value as it reads: [marked words], {what does not show}, <marked: both>."""
    if side is None:
        return None
    brackets = {(True, False): "[%s]", (False, True): "{%s}", (True, True): "<%s>"}
    return "".join(brackets.get(part[1:], "%s") % part.text.strip("⟨⟩") for part in side.parts)


def told(name, old, new, **how):
    """(member, old, new) a line; "whole" after it where no words are marked, and its note."""
    lines = difference(name, old, new, **how).lines
    return [
        " ".join(
            filter(
                None,
                (
                    line.happened and str(line.happened.label),
                    line.member,
                    shown(line.old) if line.old and line.old.parts else "empty",
                    "→",
                    shown(line.new) if line.new and line.new.parts else "empty",
                    "(whole)" if line.whole else "",
                    line.note and f"({line.note})",
                ),
            )
        )
        for line in lines
    ]


def phone(number, kind=None, **extra):
    return {"number": number, "type": kind, **extra}


def optin(channel, answer, **extra):
    return {"channel": channel, "optin": answer, **extra}


@pytest.mark.parametrize(
    ("field", "old", "new", "line"),
    [
        # Words: only what changed is marked, in whole words
        ("email", "c.aubertin@mail.example", "c.aubertin@example.com",
         "c.aubertin@[mail.example] → c.aubertin@[example.com]"),
        ("email", "zoe.legoff.26@example.com", "z.down@example.com",
         "[zoe.legoff.26]@example.com → [z.down]@example.com"),
        ("email", "zoe.legoff.26@example.com", "z.down@mail.example",
         "zoe.legoff.26@example.com → z.down@mail.example (whole)"),
        ("last_name", "Wang", "Wang Oliveira", "Wang → Wang [Oliveira]"),
        ("last_name", "Wang Oliveira", "Wang", "Wang [Oliveira] → Wang"),
        ("first_name", "Maria Katarina Lindqvist", "Maria Katerina Lindqvist",
         "Maria [Katarina] Lindqvist → Maria [Katerina] Lindqvist"),
        ("first_name", "Beatriz Wang", "BEATRIZ Wang",
         "[Beatriz] Wang → [BEATRIZ] Wang (capitals only)"),
        ("first_name", "Béatriz", "Beatriz", "[Béatriz] → [Beatriz] (accents only)"),
        ("first_name", "Béatriz", "BEATRIZ",
         "[Béatriz] → [BEATRIZ] (capitals and accents only)"),
        ("birth_city", "Jean d'Arc/Nord", "Jean d'Arc/Sud", "Jean d'Arc/[Nord] → Jean d'Arc/[Sud]"),
        ("birth_city", "Saint Jean", "Saint-Jean", "Saint Jean → Saint[-]Jean"),
        ("last_name", "Montgomery-Vandenberghe", "Montgomery-Vandenberghe-Castro",
         "Montgomery-Vandenberghe → Montgomery-Vandenberghe-[Castro]"),
        ("last_name", "Smith", "Jones", "Smith → Jones (whole)"),
        # One token: never cut
        ("birthdate", "19860615", "19860201", "15 June 1986 → 1 February 1986 (whole)"),
        ("birthdate", "19860615", "1986-06-15", "19860615 → 1986-06-15 (whole)"),
        ("language_code", "DE", "FR", "German → French (whole)"),
        ("civility", "MR", "DUKE", "Mr → DUKE (whole)"),
        ("blacklisted", True, False, "Yes → No (whole)"),
        ("personal_data_usage_allowed", True, False, "Allowed → Not allowed (whole)"),
        ("loyalty_points", 12480, 12500, "12,480 → 12,500 (whole)"),
        ("birth_country_code", "PT", "BR", "Portugal → Brazil (whole)"),
        ("gm_number", "01503-020", "01504-020", "01503-020 → 01504-020 (whole)"),
        # No value to show
        ("second_name", None, "Halina", "empty → Halina (whole)"),
        ("second_name", "Halina", "", "Halina → empty (whole)"),
        # Letters that do not show, and other scripts
        ("birth_city", "Paris", "Paris\u200b", "Paris → Paris<U+200B>"),
        ("birth_city", "Paris", "Pa\u200bris", "Paris → Pa<U+200B>ris"),
        ("first_name", "Ana Maria", "Ana  Maria", "Ana Maria → Ana<2 spaces>Maria"),
        ("last_name", "Lima ", "Lima", "Lima<space> → Lima"),
        ("last_name", "Lima", " Lima", "Lima → <space>Lima"),
        ("first_name", "Ana Maria", "Ana\u00a0Maria", "Ana Maria → Ana<no-break space>Maria"),
        ("last_name", "Haddad", "\u202eHaddad", "Haddad → <U+202E>Haddad"),
        ("last_name", "Lima\u200b A", "Lima\u200b B", "Lima{U+200B} [A] → Lima{U+200B} [B]"),
        ("last_name", "Wang", "Wаng", "[Wang] → [Wаng] (contains Cyrillic а, U+0430)"),
        ("last_name", "Wаng", "Wang", "[Wаng] → [Wang] (contained Cyrillic а, U+0430)"),
        ("last_name", "coc", "сос",
         "[coc] → [сос] (contains Cyrillic с, U+0441; Cyrillic о, U+043E)"),
        ("last_name", "Andr\u00e9", "Andre\u0301",
         "[Andr\u00e9] → [Andre\u0301] (looks the same: accents are stored in another way)"),
        ("unicode_last_name", "حداد", "حداد الخوري", "حداد → حداد [الخوري]"),
        ("unicode_last_name", "王美琳", "汪美琳", "[王]美琳 → [汪]美琳"),
        ("unicode_last_name", "森崎 明", "高橋 翔太", "森崎 明 → 高橋 翔太 (whole)"),
        ("unicode_last_name", "강남대로 112", "강남대로 118", "강남대로 [112] → 강남대로 [118]"),
        ("unicode_last_name", "สมชาย", "สมชัย", "สม[ชา]ย → สม[ชั]ย"),
        ("last_name", "\ud800", "A", "{U+D800} → A (whole)"),
    ],
)  # fmt: skip
def test_a_plain_field_shows_what_changed_in_one_line(field, old, new, line):
    assert told(field, old, new) == [line]


def test_phones_are_matched_by_number_then_by_type_and_the_rest_is_counted():
    old = [phone("+5511900000142", MOBILE), phone("+551130000177", OFFICE), phone("1", HOME)]
    new = [phone("+5511900000412", MOBILE), phone("+551130000181", HOME), phone("1", HOME)]

    found = difference("phones", old, new)

    assert told("phones", old, new) == [
        "Changed Mobile +55 11 90000-[0142] → +55 11 90000-[0412]",
        "Added Home empty → +55 11 3000-0181 (whole)",
        "Removed Office +55 11 3000-0177 → empty (whole)",
    ]
    assert (found.unchanged, found.member) == (1, "")
    assert [line.happened for line in found.lines] == list(Happened)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ([phone("+33639980142", MOBILE)], [phone("+33639980412", MOBILE)],
         ["Changed Mobile +33 6 39 98 [01] [42] → +33 6 39 98 [04] [12]"]),
        ([phone("0639980142", MOBILE)], [phone("+33639980142", MOBILE)],
         ["Changed Mobile 0639980142 → +33 6 39 98 01 42 (whole)"]),
        ([phone("+33639980142", MOBILE)], [phone("+33639980142", HOME)],
         ["Changed +33 6 39 98 01 42 Mobile → Home (whole)"]),
        ([phone("1000001")], [phone("1000002", HOME)],
         ["Changed Home 1000001 → 1000002 (whole)", "Changed 1000002 empty → Home (whole)"]),
        ([phone("1000001", HOME)], [phone("1000001", HOME, verified=True)],
         ["Changed Home, verified empty → Yes (whole)"]),
        ([], [phone("1000001")], ["Added Phone empty → 1000001 (whole)"]),
        ("none", [phone("1000001")], ["none → 1000001 (whole)"]),
    ],
)  # fmt: skip
def test_of_a_phone_only_what_changed_is_told(old, new, lines):
    assert told("phones", old, new) == lines


def test_opt_ins_are_told_channel_by_channel_and_one_that_is_missing_was_not_asked():
    rest = [optin("EMAIL", True), optin("MAIL", False)]

    found = difference("optins", [optin("SMS", True), *rest], [*rest, optin("SMS", False)])
    both = [optin("SMS", True), *rest], [optin("WHATSAPP", True), optin("SMS", False), *rest]

    assert (found.member, found.unchanged) == ("SMS", 2)
    assert told("optins", *both) == ["SMS Yes → No (whole)", "WhatsApp not asked → Yes (whole)"]
    assert told("optins", [optin("SMS", True)], [optin("SMS", True, optin_partners=False)]) == [
        "SMS, partners not asked → No (whole)"
    ]


def test_an_address_is_told_member_by_member_in_its_own_order():
    same = {"city": "São Paulo", "zip_code": "01503-020", "town": "Sé", "state_or_district": ""}
    old = {"country_code": "PT", "country": "Portugal", "street": "Rua Galvão 148", **same}
    new = {"add_on": "apto 92", "country_code": "BR", "street": "Rua Galvão Ipê 418", **same}

    assert told("address", old, new) == [
        "Street Rua Galvão [148] → Rua Galvão [Ipê 418]",
        "Flat, floor empty → apto 92 (whole)",
        "Country Portugal → Brazil (whole)",
    ]
    assert difference("address", old, new).unchanged == 3
    assert told("address", old, old | {"zip_code": "01504-001", "planet": "Mars"}) == [
        "Postal code 01503-020 → 01504-001 (whole)",
        "planet empty → Mars (whole)",
    ]


def test_another_order_is_said_in_words():
    numbers = [phone("1000001", MOBILE), phone("1000002", HOME), phone("1000003", HOME)]

    assert difference("phones", numbers, numbers[::-1]).note == "same 3 phones, other order"
    assert difference("phones", numbers, numbers[::-1]).lines == ()
    channels = [optin("SMS", True), optin("EMAIL", True)]
    assert difference("optins", channels, channels[::-1]).note == "same 2 opt-ins, other order"
    assert difference("address", {"city": "Rio"}, {"city": "Rio", "town": None}).note == (
        "no change that shows"
    )


def test_a_sensitive_value_is_hidden_until_it_is_revealed_and_then_told_member_by_member():
    old, new = {"type": "CPF", "number": "11144477735"}, {"type": "CPF", "number": "52998224725"}

    [line] = difference("identity", old, new).lines
    [gone] = difference("identity", old, None).lines

    assert (line.hidden, gone.hidden) == ((True, True), (True, False))
    assert (line.old.parts, line.new.parts, line.member) == ((), (), "")
    assert told("identity", old, new, revealed=True) == ["Number 11144477735 → 52998224725 (whole)"]
    assert difference("health_pass_id", "a", "b").lines[0].hidden == (True, True)
    assert difference("left_the_catalogue", "a", "b").lines[0].hidden == (True, True)
    assert told("left_the_catalogue", "a b", "a c", revealed=True) == ["a [b] → a [c]"]


def test_a_create_tells_what_it_gave_and_not_that_there_was_nothing():
    found = first_value("phones", [phone("+33639980142", MOBILE)])

    assert [(line.member, line.old, line.happened) for line in found.lines] == [
        ("Mobile", None, None)
    ]


@pytest.mark.parametrize(
    ("text", "market", "language", "is_rtl"),
    [
        ("Wang", "pt-BR", "", False),
        ("王美琳", "zh-CN", "zh-Hans", False),
        ("王美琳", "zh-TW", "zh-Hant", False),
        ("森崎 明", "ja-JP", "ja", False),
        ("たかはし", "fr-FR", "ja", False),
        ("강남대로", "", "ko", False),
        ("حداد", "", "ar", True),
        ("\u202aحداد", "fa-IR", "fa", True),
        ("כהן", "he-IL", "he", True),
    ],
)
def test_a_value_carries_its_language_and_its_direction(text, market, language, is_rtl):
    side = side_of(text, market)

    assert (side.language, side.is_rtl) == (language, is_rtl)


def test_the_language_of_a_name_is_that_of_the_name_beside_it():
    found = marked("森崎", "もりさき", Cut.WORDS)

    assert (found.old.language, found.new.language) == ("ja", "ja")
    assert marked("Wang", "王").old.language == ""


def test_a_long_value_is_cut_to_what_stands_around_each_change():
    words = [f"word{n}" for n in range(100)]
    new = [*words[:50], "garden", *words[51:]]

    found = marked(" ".join(words), " ".join(new))

    assert shown(shortened(found.old)) == (
        "word0 word1 word2 word3 … word47 word48 word49 [word50] word51 word52 word53 … "
        "word97 word98 word99"
    )
    assert found.new.length == len(" ".join(new))


awkward = "aAéÉe\u0301\u0430ßıWX 12'-/,@.\u200b\u202e\u00a0\u3000\n\ud800王汪あ강حكิช\ufe0f"
texts = st.text(awkward, max_size=30) | st.text(max_size=10)


def spelled_out(text):
    """The text of a value that stands alone: what does not show is spelled out there too."""
    return "".join(part.text for part in side_of(text).parts)


@examples
@given(old=texts, new=texts, cut=st.sampled_from(Cut))
def test_joined_again_the_parts_are_the_texts_and_nothing_in_them_is_invisible(old, new, cut):
    found = marked(old, new, cut)

    for text, side in ((old, found.old), (new, found.new)):
        joined = "".join(part.text for part in side.parts)
        assert joined == spelled_out(text)
        assert "".join(part.text for part in side.parts if not part.is_code) == "".join(
            part.text for part in side_of(text).parts if not part.is_code
        )
        assert joined.isprintable()
        assert side.length == len(text)
    if old != new and not found.whole:
        sides = (found.old, found.new)
        assert any(part.is_marked for side in sides for part in side.parts)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["number", "type", "channel", "optin", "city", "country_code", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@examples
@given(old=anything, new=anything)
def test_any_json_has_a_difference_for_every_field(old, new):
    for name in FIELDS:
        found = difference(name, old, new, revealed=True)
        assert found.lines or found.note
        first_value(name, new, revealed=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 250_000, "b " * 250_000),
        ("a" * 500_000, "b" * 500_000),
        ("\u200b" * 500_000, "\u200ba" * 250_000),
        ("王" * 500_000, "汪" * 500_000),
        ("é" * 500_000, "É" * 500_000),
        ("a b " * 2_500, "b a " * 2_400),
        ("a b " * 37, "b a b " * 25),
    ],
    ids=["words", "one word", "invisible", "signs", "capitals", "many words", "few words"],
)
def test_a_value_of_half_a_megabyte_does_not_hold_up_a_page(old, new):
    before = time.process_time()

    found = marked(old, new)

    assert time.process_time() - before < 30  # seconds; quadratic would be hours
    assert len(found.old.parts) + len(found.new.parts) < 1000


def test_in_a_very_long_text_a_small_change_is_still_found():
    start, end = "so it was " * 20_000, " and so on" * 20_000

    found = marked(f"{start}the pool{end}", f"{start}the garden{end}")

    assert [part.text for part in found.old.parts if part.is_marked] == ["pool"]
    assert [part.text for part in found.new.parts if part.is_marked] == ["garden"]


def test_of_a_very_long_list_the_first_members_are_told_and_the_others_counted():
    found = difference("phones", [], [phone(f"{n:07}", HOME) for n in range(300)])

    assert (len(found.lines), found.more) == (50, 250)
