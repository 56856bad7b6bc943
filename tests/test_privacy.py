"""The watch over logs and addresses (`tests/privacy.py`) sees what it is there for."""

import logging

import pytest
from django.conf import settings

from tests import privacy
from tests.conftest import TOM, Desk
from tests.test_client import client


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


def test_a_value_in_a_line_of_the_log_is_found(told):
    told.said.append("log: cannot save tom@example.com")

    assert told.leaks() == ["log: cannot save tom@example.com"]


def test_a_value_inside_a_list_is_private_too(told):
    told.said.append("address: /?q=0623456789")

    assert told.leaks()


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
