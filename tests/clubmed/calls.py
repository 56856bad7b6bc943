"""Calls of the client, and what a server may answer to them."""

import gzip
import json
import socket
import struct
from collections.abc import Callable

import pytest

from customers.clubmed.client import ClubMed
from customers.clubmed.tokens import StaticToken
from tests.wire import answer

TOM = "123456789"
NEW = {"civility": "MR", "first_name": "Tom", "last_name": "Smith", "email": "tom@example.com"}
CREATED = answer(201, {"id": TOM, "gm_number": "987654321", "locale": "en-US"})
PROFILE = {"email": "tom@example.com", "gm_number": TOM, "phones": None, "new_field": {"a": [1]}}


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


CALLS: list[Callable[[ClubMed], object]] = [
    lambda api: api.create_customer(NEW),
    lambda api: api.read_profile(TOM),
    lambda api: api.update_profile(TOM, {"email": None}),
    lambda api: api.find_customers({"last_name": "SMITH"}),
]
every_route = pytest.mark.parametrize("call", CALLS, ids=["create", "read", "update", "search"])


def of(status, body=b"", headers=b""):
    """An answer after which the connection is closed."""
    return b"HTTP/1.1 %d Said\r\nconnection: close\r\n%s\r\n%s" % (status, headers, body)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection):
    pass


# What no `id` of a customer can be
NO_IDS = [None, "", " ", 0, -5, 1.5, True, "012", "a1", "../1", "٣", [], {}]
GZIP = b"content-encoding: gzip\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
NO_ANSWER = {
    "reset": reset,
    "closed": hang_up,
    "garbage": b"\x00\xff garbage\r\n\r\n",
    "garbage status": b"HTTP/1.1 abc OK\r\n\r\n",
    "unknown protocol": b"SMTP/1.1 200 OK\r\n\r\n",
    "long status line": b"HTTP/1.1 200 " + b"x" * 70_000,
    "half a status line": b"HTTP/1.1 20",
    "half the headers, no body": b"HTTP/1.1 200 OK\r\ncontent-le",
    "too many headers": of(200, b"{}", b"x: y\r\n" * 200),
    "long header": of(200, b"{}", b"x: " + b"y" * 70_000 + b"\r\n"),
    "less than promised": of(200, b"{}", b"content-length: 9\r\n"),
    "cut by its length": of(200, b'{"a": 1}', b"content-length: 3\r\n"),
    "odd length": of(200, b"[", b"content-length: nine\r\n"),
    "lengths that differ": of(200, b"{}", b"content-length: 2, 9\r\n"),
    "garbage chunks": of(200, b"zz\r\n{}\r\n", CHUNKED),
    "half a chunk": of(200, b"9\r\n{}", CHUNKED),
    "no last chunk": of(200, b"2\r\n{}\r\n", CHUNKED),
    "bad gzip": of(200, b"not packed", GZIP),
    "half a gzip": of(200, gzip.compress(json.dumps({"a": "b" * 50}).encode())[:15], GZIP),
    "bad utf-8": of(200, b'{"a": "\xff"}'),
    "empty": of(200),
    "html": of(200, b"<h1>Maintenance</h1>", b"content-type: text/html\r\n"),
    "cut json": of(200, b'{"a": '),
    "list": of(200, b"[{}]"),
    "text": of(200, b'"a"'),
    "null": of(200, b"null"),
    "deep": of(200, b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nan": of(200, b'{"a": NaN}'),
    "infinity": of(200, b'{"a": -Infinity}'),
    "no double holds it": of(200, b'{"a": 1e999}'),
    "endless integer": of(200, b'{"a": ' + b"9" * 10_000 + b"}"),
    "other success": of(202, b"{}"),
    "no content": of(204),
    "switching protocols": of(101),
    "server error": of(500, b"<h1>Sorry</h1>"),
    "bad gateway": of(502),
    "unavailable": of(503, b"", b"retry-after: 99\r\n"),
    "timeout": of(504),
    "no such status": of(799),
}
