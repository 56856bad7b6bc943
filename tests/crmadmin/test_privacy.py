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


def cookie(value):
    answer = HttpResponse()
    answer.set_cookie("last", value)
    return answer


def type_and_answer(answer):
    def tell(sandbox):
        privacy.keep_private({"q": VALUE})
        privacy.note(answer)

    return tell


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
@pytest.mark.parametrize(
    "tell",
    [
        *(type_and_log, type_and_ask, say_a_secret, read_and_log),
        type_and_answer(redirect(f"/customers/{quote(VALUE)}/")),
        type_and_answer(HttpResponse(headers={"HX-Push-Url": f"/?q={quote_plus(VALUE)}"})),
        type_and_answer(cookie(signing.dumps({"typed": VALUE * 9}, compress=True))),
    ],
)
def test_the_test_that_tells_fails(sandbox, tell):
    with pytest.raises(AssertionError), privacy.watched(sandbox):
        tell(sandbox)
