"""Equal means the same to a person: for every field, what counts as one value and what does not."""

import unicodedata
from datetime import date
from itertools import permutations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmadmin.sandbox import rules
from customers import form_token
from customers.catalogue.compare import canonical
from customers.catalogue.fields import FIELDS, Clear, Create
from tests.conftest import AGENT
from tests.people import actor

pytestmark = pytest.mark.once

examples = settings(deadline=None, max_examples=50)

# What the rules look at: marks, letters with odd capitals, spaces, numbers, dates.
awkward = st.text("aAéE\u0301ßıİǆﬁΣςᾳＡパハ\u309a王\u3000 \t0123+-.(", max_size=12)
dates = st.sampled_from(["19860614", "1986-06-14", " 19860614", "1986/06/14", "00010101"])
texts = st.text(max_size=8) | awkward | dates
keys = st.sampled_from(["number", "type"]) | texts
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


def normal(field, value):
    return canonical(field.kind.normal(value))


@examples
@given(one=anything, other=anything)
def test_a_value_its_normal_form_and_another_with_the_same_normal_form_are_the_same(one, other):
    for field in FIELDS.values():
        form = field.kind.normal(one)
        assert isinstance(field.text(one), str), field.name
        assert normal(field, form) == normal(field, one), field.name
        alike = normal(field, one) == normal(field, other)
        for sent, stored in product((one, form, other), repeat=2):
            same = field.same(sent, stored)
            assert same or (not alike and other in (sent, stored)), field.name


def rearranged(value):
    """The same JSON with its lists in another order and more that is empty in its objects."""
    if isinstance(value, list) and value:
        shuffled = st.permutations(value)
        return shuffled.flatmap(lambda items: st.tuples(*map(rearranged, items))).map(list)
    if isinstance(value, dict) and value:
        new = st.text(max_size=3).filter(lambda key: key not in value)
        more = st.dictionaries(new, st.sampled_from([None, "", " ", [], {}]), max_size=2)
        inner = st.fixed_dictionaries({key: rearranged(item) for key, item in value.items()})
        return st.builds(dict.__or__, inner, more)
    return st.sampled_from([None, "", [], {}]) if value in (None, "", [], {}) else st.just(value)


@examples
@given(pair=anything.flatmap(lambda value: st.tuples(st.just(value), rearranged(value))))
def test_order_and_what_is_empty_never_matter(pair):
    one, other = pair
    for field in FIELDS.values():
        assert normal(field, one) == normal(field, other), field.name


def with_more(value):
    """Every object with a member that nobody sent."""
    if isinstance(value, list):
        return [with_more(item) for item in value]
    if isinstance(value, dict):
        more = {key: with_more(item) for key, item in value.items()}
        return more | {"added by the server": 7}
    return value


@examples
@given(value=anything)
def test_members_that_the_server_added_are_allowed_and_none_that_it_dropped(value):
    for field in FIELDS.values():
        stored = with_more(field.kind.normal(value))
        assert field.same(value, stored), field.name
        if stored != field.kind.normal(value):
            assert not field.same(stored, value), field.name


@examples
@given(text=st.text("aé ßz王-0", min_size=1))
def test_capitals_count_in_native_script_alone_and_outer_spaces_nowhere(text):
    for field in FIELDS.values():
        assert field.same(text, f" {text}\u3000"), field.name
        if text.upper() != text:
            assert field.same(text, text.upper()) is not field.native, field.name


HOME = {"number": "0612345678", "type": "HOME"}
WORK = {"number": "0140506070", "type": "OFFICE"}


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("first_name", "René", "RENE"),
        ("last_name", " van  der Berg", "VAN DER BERG"),
        ("birth_city", "São Paulo", "Sao paulo"),
        ("unicode_first_name", " 王  小明", "王 小明"),
        ("unicode_first_name", "ハ\u309aハ\u309a", "パパ"),
        ("email", " Zoë@Example.com", "zoë@example.COM "),
        ("email", "  ", None),
        ("phones", [], None),
        ("civility", "MR", " mr"),
        ("language_code", "pt", "PT"),
        ("birthdate", "1986-06-14", "19860614 "),
        ("birthdate", "00990101", "0099-01-01"),
        ("address", {"street": "Allée  des Écoles", "town": ""}, {"street": "ALLEE DES ECOLES"}),
        ("identity", {"number": " ab1", "type": "DNI"}, {"number": "AB1", "type": "DNI"}),
        (
            "optins",
            [{"channel": "SMS", "optin": True}, {"channel": "EMAIL", "optin": False}],
            [{"channel": "EMAIL", "optin": False, "at": 1}, {"channel": "SMS", "optin": True}],
        ),
        ("phones", [HOME, WORK], [WORK, HOME | {"id": 4}]),
        ("phones", [HOME | {"type": "home"}], [HOME]),
        ("phones", [HOME, WORK], [WORK, {"number": "+33612345678", "type": "HOME"}]),
    ],
)
def test_the_same_to_a_person(name, sent, stored):
    assert FIELDS[name].same(sent, stored)


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("first_name", "Jean", "Jeanne"),
        ("first_name", "O'Brien", "OBRIEN"),
        ("unicode_first_name", "パパ", "ババ"),
        ("unicode_first_name", "René", "RENÉ"),
        ("email", "é@x.com", "e@x.com"),
        ("email", "tom@example.com", None),
        ("email", "a b@x.com", "a  b@x.com"),
        ("civility", "MR", "MS"),
        ("gm_number", "É1", "E1"),
        ("birthdate", "19860614", "19860615"),
        ("birthdate", "19860631", "1986-06-31"),
        ("loyalty_points", 1, True),
        ("loyalty_points", 1, "1"),
        ("blacklisted", True, 1),
        ("blacklisted", False, None),
        ("identity", {"number": "é", "type": "DNI"}, {"number": "e", "type": "DNI"}),
        ("address", {"street": "1 Quai", "town": "Lyon"}, {"street": "1 Quai"}),
        ("address", {"street": "1 Quai", "add_on": ""}, {"street": "1 Quai", "add_on": "B"}),
        ("address", None, {"street": "1 Quai"}),
        ("optins", [{"channel": "SMS", "optin": True}], [{"channel": "SMS", "optin": 1}]),
        ("phones", [HOME], [HOME, HOME]),
        ("phones", [HOME], [HOME | {"type": "MOBILE"}]),
        ("phones", [{"number": "call me"}], [{"number": ""}]),
        ("phones", [{"number": "12 ext. 3"}], [{"number": "123"}]),
    ],
)
def test_not_the_same_to_a_person(name, sent, stored):
    assert not FIELDS[name].same(sent, stored)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0623456789", "+33623456789", True),
        ("0623456789", "0033 6 23 45 67 89", True),
        ("0033623456789", "+33 623456789", True),
        ("0623456789", "+33723456789", False),
        ("11900000412", "+5511900000412", True),
        ("0351234567", "+351234567", True),
        ("0234567", "+1234567", False),
        ("1234567", "+3511234567", True),
        ("234567", "+33234567", False),  # too short to tell
        ("1234567", "+12341234567", False),  # no calling code has four digits
        ("0623456789", "623456789", False),  # both national
        ("623456789", "33623456789", False),
        ("+33623456789", "+44623456789", False),
        ("0623456789", "+33623456780", False),
        ("*21#", "21", False),
    ],
)
def test_a_phone_number_has_a_national_and_an_international_form(one, other, same):
    phones = ([{"number": number, "type": "MOBILE"}] for number in (one, other))
    for sent, stored in permutations(phones):
        assert FIELDS["phones"].same(sent, stored) is same


def test_the_two_forms_of_a_number_are_two_reads():
    """Which of the two Club Med holds can be seen; only a list that is sent may take either."""
    national, international = ([{"number": n}] for n in ("0623456789", "+33623456789"))
    assert FIELDS["phones"].kind.normal(national) != FIELDS["phones"].kind.normal(international)


def test_an_item_that_fits_twice_takes_the_one_nearest_to_it():
    sent = [{"type": "HOME"}, HOME]
    assert FIELDS["phones"].same(sent, [HOME, {"number": "1", "type": "HOME"}])
    assert FIELDS["phones"].same(sent, [{"number": "1", "type": "HOME"}, HOME])


# The sandbox as the witness: what it makes of a value is the same as that value.

letters = filter(str.isalpha, map(chr, range(0x10000)))
latin = [letter for letter in letters if unicodedata.name(letter).startswith("LATIN")]
accents = [char for char in map(chr, range(0x300, 0x370)) if unicodedata.combining(char)]
names = st.text(st.sampled_from(latin) | st.sampled_from([*accents, *" -'’."]), max_size=12)
printable = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
words = st.text(printable | st.sampled_from("é王\u0301\u3000 "), max_size=20)
part = st.text(printable.filter(lambda c: not c.isspace() and c not in "@."), min_size=1)
codes = st.sampled_from(["FR", " BR", "JA "])
yes_no = st.booleans()


def an_object(optional=(), **needed):
    more = {"unknown": anything, "new": words, **dict(optional)}
    return st.fixed_dictionaries(needed, optional=more)


def choice(codes):
    return st.sampled_from(sorted(codes))


accepted = {
    "civility": choice(rules.CIVILITIES),
    "customer_type": choice(["CLIENT", "PROSPECT"]),
    "call_id": words,
    "birth_city": words,
    "birth_country_code": codes,
    "birthdate": st.dates(date(1900, 1, 1), date(2020, 1, 1)).map(" {:%Y%m%d}".format),
    "email": st.builds(" {}@{}.{}".format, part, part, part),
    "language_code": codes,
    "personal_data_usage_allowed": yes_no,
    "phones": st.lists(
        an_object(
            number=st.from_regex(r"\+?[0-9][0-9 .-]{0,15}", fullmatch=True),
            type=choice(rules.PHONE_TYPES),
        ),
        max_size=3,
    ),
    "address": an_object(
        dict.fromkeys(rules.ADDRESS_LENGTHS, words | st.sampled_from([None, "", "  ", [], {}]))
    ),
    "optins": st.lists(an_object(channel=choice(rules.CHANNELS), optin=yes_no), max_size=3)
    | st.lists(
        an_object({"optin_partners": yes_no}, channel=st.just("EMAIL"), optin=yes_no), max_size=3
    ),
    "identity": an_object(number=words, type=choice(rules.IDENTITY_TYPES)),
    **{name: words for name, row in FIELDS.items() if row.native},
    **{name: names for name in FIELDS if name.endswith("_name") and not FIELDS[name].native},
}


def stored(name, value):
    """What the sandbox makes of a value; raises rules.Refused."""
    if name in ("customer_type", "call_id"):
        needed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}
        return rules.check_create(needed | {name: value}, force_address=True)[name]
    return rules.check_patch({name: value}, force_address=True)[name]


@pytest.mark.parametrize("name", accepted)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_the_sandbox_stores_is_what_was_sent(name, data):
    sent = data.draw(accepted[name])
    try:
        held = stored(name, sent)
    except rules.Refused:
        assume(False)
    assert FIELDS[name].same(sent, held)


def test_what_the_sandbox_stores_for_a_clear_is_empty():
    written = {name for name, row in FIELDS.items() if row.patch or row.create is not Create.NO}
    assert written <= accepted.keys()
    for name, row in FIELDS.items():
        if row.clearable and row.clear is not Clear.NO:
            assert row.same(row.cleared(None), stored(name, row.cleared(None)))
            assert row.kind.normal(row.cleared(None)) is None


# What a person saw travels in the form's token, as a digest of what it means.


def vouches(name, saw, now):
    made = form_token.mint(actor=actor(AGENT), form="f", values={name: saw})
    token = form_token.read(made, actor=actor(AGENT), form="f")
    return token.vouches_for(name, now)


@pytest.mark.parametrize(
    ("name", "saw", "now", "still"),
    [
        ("first_name", "Jean", "JEAN", True),
        ("email", None, "", True),
        ("phones", [HOME, WORK], [WORK, HOME], True),
        ("phones", [HOME], [HOME | {"type": "MOBILE"}], False),
        ("phones", [HOME], [HOME | {"id": 1}], False),
        ("personal_data_usage_allowed", True, 1, False),
    ],
)
def test_what_still_means_what_was_seen_is_no_conflict(name, saw, now, still):
    assert vouches(name, saw, now) is still


def test_phones_with_unknown_members_have_to_stand_where_they_were_seen():
    """A row takes the members that we do not know from the phone in its place."""
    one, other = HOME | {"id": 1}, WORK | {"id": 2}

    assert vouches("phones", [one, other], [one | {"number": "06 12 34 56 78"}, other])
    assert not vouches("phones", [one, other], [other, one])


def test_a_token_holds_under_a_former_key(settings):
    form = {"actor": actor(AGENT), "form": "f"}
    made = form_token.mint(**form, values={"email": "a@example.com"})
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]

    token = form_token.read(made, **form)

    assert token.vouches_for("email", "a@example.com")
    assert not token.vouches_for("email", "b@example.com")


@examples
@given(saw=anything, now=anything)
def test_a_token_takes_any_value(saw, now):
    assert vouches("phones", saw, saw)
    if canonical(FIELDS["phones"].kind.normal(saw)) != canonical(FIELDS["phones"].kind.normal(now)):
        assert not vouches("phones", saw, now)
