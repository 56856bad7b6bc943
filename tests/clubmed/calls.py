"""Calls of the client, and what a server may answer to them."""

import socket
import struct

import pytest
from hypothesis import strategies as st

from customers.clubmed.client import ClubMed
from customers.clubmed.tokens import StaticToken
from tests.wire import answer

TOM = "123456789"
NEW = {"civility": "MR", "first_name": "Tom", "last_name": "Smith", "email": "tom@example.com"}
PROFILE = {"email": "tom@example.com", "gm_number": TOM, "phones": None, "new_field": {"a": [1]}}

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def client(url, **changes):
    settings = {
        "base_url": url,
        "api_key": "sandbox-key",
        "tokens": StaticToken("sandbox-token"),
        "locale": "en-US",
        "connect_timeout": 5,
        "read_timeout": 5,
        "deadline": 10,
        "pause": 0,
    }
    return ClubMed(**(settings | changes))


def read(api):
    return api.read_profile(TOM)


def update(api):
    return api.update_profile(TOM, {"email": None})


def create(api):
    return api.create_customer(NEW)


def search(api):
    return api.find_customers({"last_name": "SMITH"}).items


GOOD = {
    read: answer(200, PROFILE),
    update: answer(204),
    create: answer(201, {"id": TOM, "gm_number": "987654321", "locale": "en-US"}),
    search: answer(206, [{"id": TOM}]),
}
every_route = pytest.mark.parametrize("call", GOOD)


def hang_up(connection):
    pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
