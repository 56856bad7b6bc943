"""The watch over logs and addresses (`tests/privacy.py`) sees what it is there for."""

import base64
import html
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect

from tests import privacy
from tests.clubmed.calls import client
from tests.conftest import TOM, Desk

VALUE = "Zoë <o'Neil> & 𠀀/?"


@pytest.fixture
def sandbox(running_sandbox):
    """As `clubmed`, and not watched yet."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def told():
    told = privacy.Told()
    told.keep_private({"email": "tom@example.com", "phones": [{"number": "0623456789"}]})
    return told


@pytest.mark.parametrize("said", ["log: cannot save tom@example.com", "address: /?q=0623456789"])
def test_a_value_in_a_line_of_the_log_or_an_address_is_found(told, said):
    """That of a member of a list, too."""
    told.said.append(said)

    assert told.leaks() == [said]


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        json.dumps(f"[{VALUE}]"),
        html.escape(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        VALUE.encode().hex(),
        *(base64.b64encode(f"{before}{VALUE}...".encode()).decode() for before in ("", "a", "ab")),
        base64.urlsafe_b64encode(f"??{VALUE}".encode()).decode(),
    ],
)
def test_a_value_is_found_in_whatever_guise(written):
    told = privacy.Told()
    told.keep_private(VALUE)
    told.said.append(f"log: {written}")

    assert told.leaks()


def test_bytes_hold_a_value_as_other_programs_write_it():
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert privacy.held_in(f"xy{VALUE}z".encode(encoding), {VALUE, "other"}) == {VALUE}


def cookie(value):
    answer = HttpResponse()
    answer.set_cookie("last", value)
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        redirect(f"/customers/{quote(VALUE)}/"),
        HttpResponse(headers={"HX-Push-Url": f"/?q={quote_plus(VALUE)}"}),
        cookie(VALUE),
        cookie(signing.dumps({"typed": VALUE * 9}, compress=True)),
    ],
    ids=["where it leads", "what htmx is told", "a cookie", "a signed cookie"],
)
def test_what_an_answer_leaves_in_the_browser_is_looked_at(sandbox, answer):
    def type_and_answer():
        privacy.keep_private({"q": VALUE})
        privacy.note(answer)

    with pytest.raises(AssertionError), privacy.watched(sandbox):
        type_and_answer()


def test_codes_and_short_words_are_nobodys_data():
    told = privacy.Told()
    told.keep_private({"phones": [{"type": "MOBILE"}], "phones-0-type": "MOBILE", "civility": "Mr"})

    assert told.private == set()


def type_and_log(sandbox):
    privacy.keep_private({"q": "Someone Typed"})
    logging.getLogger("customers").error("not understood: %s", "Someone Typed")


def type_and_ask(sandbox):
    privacy.keep_private({"q": "Someone Typed"})
    Desk().get("/", {"q": "Someone Typed"})


def say_a_secret(sandbox):
    logging.getLogger("customers").error("Bearer %s", settings.CLUBMED_TOKEN)


def read_and_log(sandbox):
    sandbox.customers[TOM]["email"] = "someone@example.com"
    client(sandbox.url).read_profile(TOM)
    logging.getLogger("customers").error("someone@example.com")


@pytest.mark.django_db
@pytest.mark.parametrize("tell", [type_and_log, type_and_ask, say_a_secret, read_and_log])
def test_the_test_that_tells_fails(sandbox, tell):
    with pytest.raises(AssertionError), privacy.watched(sandbox):
        tell(sandbox)
