"""For any profile that the contract allows, the page renders and a save sends just that field."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.audit.actions import Action
from customers.audit.models import Entry
from customers.catalogue.fields import FIELDS
from tests.conftest import HTMX, TOM, hidden_inputs, soup

pytestmark = pytest.mark.once

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
# Drawn letter by letter, long texts would be more than Hypothesis draws for one example.
long_texts = st.text(min_size=10, max_size=15).map(lambda text: 200 * text)
words = st.none() | st.just("") | st.text(max_size=60) | long_texts
codes = words | st.sampled_from(["MR", "MS", "DUKE", "CLIENT", "GOLD", "DIAMOND", "FR", "BR"])
dates = words | st.sampled_from(["19860614", "1986-06-14", "19860631", "00000000", "1986"])


def an_object(**members):
    return st.fixed_dictionaries({}, optional=members)


odd = {"number": anything, "row": anything}
phone = an_object(number=words, type=codes, verified=anything) | an_object(**odd)
optin = an_object(channel=codes | anything, optin=anything, partners=anything)
loyalty = an_object(status=codes, points=anything, is_platinum_for_life=anything, new=words)
address = an_object(street=words, city=words | anything, country_code=codes, planet=words)
shaped = {
    "phones": st.none() | st.lists(phone, max_size=3) | anything,
    "loyalty_program": st.none() | loyalty | anything,
    "optins": st.none() | st.lists(optin, max_size=3) | anything,
    "address": st.none() | address | anything,
    "identity": st.none() | an_object(number=words, type=codes),
    "birthdate": dates | anything,
    "birthday": dates,
    "locale": codes,
    "blacklisted": st.none() | st.booleans() | anything,
    "personal_data_usage_allowed": st.booleans() | anything,
}
plain = {
    name: codes | anything for name, row in FIELDS.items() if not row.path and name not in shaped
}
profiles = st.builds(
    lambda known, unknown: unknown | known,
    st.fixed_dictionaries({}, optional=shaped | plain),
    st.dictionaries(st.text(string.ascii_lowercase + "_", min_size=12, max_size=16), anything),
)
edits = st.sampled_from(
    [
        ("email", "new@example.com", "new@example.com"),
        ("first_name", "Zoë", "Zoë"),
        ("unicode_last_name", "王", "王"),
        ("birthdate", "14/06/1986", "19860614"),
        ("civility", "MS", "MS"),
        ("language_code", "FR", "FR"),
        ("personal_data_usage_allowed", "true", True),
    ]
)


def made_here():
    """What was saved; not what this test changes behind the desk's back."""
    return Entry.objects.filter(action=Action.CHANGE).exclude(outcome="stored_as")


@pytest.mark.other_contract
@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(profile=profiles, edit=edits)
def test_any_profile_renders_and_a_save_sends_exactly_its_field(agent, clubmed, profile, edit):
    field, typed, wire = edit
    clubmed.customers[TOM] = {"id": TOM, **profile}
    url = f"/customers/{TOM}/fields/{field}/"
    clubmed.requests.clear()
    recorded = made_here().count()

    page = agent.get(f"/customers/{TOM}/")
    assert page.status_code == 200
    shown = page.content.decode()
    for key in profile.keys() - FIELDS.keys() - {"loyalty_program", "birthday"}:
        assert key in shown

    assert agent.get(f"/customers/{TOM}/fields/phones/", headers=HTMX).status_code in (200, 404)
    form = hidden_inputs(soup(agent.get(url, headers=HTMX)))
    answer = agent.post(url, form | {"value": typed}, headers=HTMX)

    assert answer.status_code in (200, 422)  # 422: the sandbox may find the stored rest wanting
    bodies = [request.json for request in clubmed.requests if request.method == "PATCH"]
    already = profile.get(field, profile.get("birthday") if field == "birthdate" else None) == wire
    assert bodies == ([] if already else [{field: wire}])
    assert made_here().count() == recorded + len(bodies)
