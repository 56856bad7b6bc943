"""What the client tries again, when it leaves Club Med alone, and what it never does twice."""

import copy
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from customers.clubmed import client as clubmed_client
from customers.clubmed.errors import (
    NoAnswerError,
    NotSentError,
    RefusedError,
)
from customers.clubmed.tokens import StaticToken
from tests.clubmed.calls import GOOD, client, create, every_route, hang_up, read, reset, update
from tests.wire import RawServer, answer

pytestmark = pytest.mark.once

LATER = 99  # seconds, more than any deadline here
DOWN = answer(503, **{"retry-after": str(LATER)})  # said once a call
BUSY = [*(answer(status) for status in (429, 502, 503, 504)), hang_up]


# Reads are tried again ------------------------------------------------------------------------


@pytest.mark.parametrize("said", BUSY)
def test_a_read_is_tried_at_most_twice_more_after_random_pauses_that_grow(monkeypatch, said):
    drawn = []
    monkeypatch.setattr(
        clubmed_client._CHANCE, "uniform", lambda *between: drawn.append(between) or 0
    )
    with RawServer(said, said, GOOD[read]) as server:
        read(client(server.url, pause=1))
        assert len(server.requests) == 3
        assert drawn[:2] == [(0, 2), (0, 4)]

    with RawServer(said, said, said, GOOD[read]) as server:
        with pytest.raises((NoAnswerError, RefusedError)):
            read(client(server.url))
        assert len(server.requests) == 3


@pytest.mark.parametrize("said", [*BUSY, reset, answer(200), answer(500)])
@pytest.mark.parametrize("call", [update, create])
def test_a_write_without_a_clear_answer_is_sent_once(said, call):
    with RawServer(said, GOOD[call]) as server:
        with pytest.raises((NoAnswerError, RefusedError)):
            call(client(server.url))
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 501])
def test_an_answer_about_one_customer_is_tried_no_more_and_is_an_answer(status):
    tries = 3 if status == 429 else 1
    with RawServer(*[answer(status)] * 18) as server:
        api = client(server.url)
        for _ in range(6):
            with pytest.raises(Exception, match=str(status)):
                read(api)

        assert len(server.requests) == 6 * tries
        assert not api.breaker.is_open


def test_a_read_that_took_most_of_its_time_is_not_tried_again():
    slow = RawServer(lambda connection: time.sleep(0.45), GOOD[read])  # then it would be in time
    with slow as server, pytest.raises(NoAnswerError):
        read(client(server.url, read_timeout=0.4, deadline=0.5))


def in_two_seconds():
    """Dates have no fractions."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize(("asked", "least"), [(lambda: "1", 1), (in_two_seconds, 0.5)])
def test_retry_after_is_waited_for_though_it_takes_most_of_the_time(asked, least):
    began = time.monotonic()
    with RawServer(answer(503, **{"retry-after": asked()}), GOOD[read]) as server:
        read(client(server.url, deadline=3.5))

    assert time.monotonic() - began > least


@pytest.mark.parametrize("asked", [str(LATER), "9" * 300, "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_who_asks_for_more_time_than_is_left_is_not_asked_again(asked):
    with RawServer(answer(503, **{"retry-after": asked}), GOOD[read]) as server:
        with pytest.raises(NoAnswerError):
            read(client(server.url))
        assert len(server.requests) == 1


@pytest.mark.parametrize("odd", ["soon", "-5", "", "1e9"])
def test_an_odd_retry_after_is_none(odd):
    with RawServer(answer(503, **{"retry-after": odd}), GOOD[read]) as server:
        read(client(server.url))
        assert len(server.requests) == 2


# A rejected token is renewed once -------------------------------------------------------------


class Renewable:
    """A source with so many further tokens."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.rejected = []

    def token(self, rejected=""):
        if rejected:
            self.rejected.append(rejected)
            del self.tokens[: len(self.tokens) > 1]
        return self.tokens[0]


@every_route
def test_after_a_401_the_token_is_renewed_once_and_the_call_repeated(call):
    source = Renewable("old", "new")
    with RawServer(answer(401), GOOD[call]) as server:
        call(client(server.url, tokens=source))

        sent = [request.headers["authorization"] for request in server.requests]
        assert sent == ["Bearer old", "Bearer new"]
        assert source.rejected == ["old"]
        assert server.requests[0].body == server.requests[1].body


@every_route
@pytest.mark.parametrize(
    ("source", "sent"), [(Renewable("old", "new", "newer"), 2), (StaticToken("old"), 1)]
)
def test_a_401_is_final_without_another_token_or_the_second_time(call, source, sent):
    with RawServer(answer(401), answer(401), GOOD[call]) as server:
        with pytest.raises(RefusedError, match="401"):
            call(client(server.url, tokens=copy.deepcopy(source)))
        assert len(server.requests) == sent


def test_a_repeated_write_that_breaks_is_sent_no_third_time():
    with RawServer(answer(401), hang_up, answer(204)) as server:
        with pytest.raises(NoAnswerError):
            update(client(server.url, tokens=Renewable("old", "new")))
        assert len(server.requests) == 2


# Club Med that does not answer is left alone --------------------------------------------------


def fail(api, calls=5):
    for _ in range(calls):
        with pytest.raises(NoAnswerError):
            read(api)


def broken(server):
    """A client whose breaker has opened on that server."""
    api = client(server.url)
    fail(api)
    assert api.breaker.is_open
    return api


def rested(api, then=0):
    """Its rest is over; the next one takes so many seconds."""
    api.breaker.rest = 0
    api.breaker.report(answered=False)
    api.breaker.rest = then


def test_after_five_calls_without_an_answer_none_is_made_by_any_caller():
    with RawServer(*[DOWN] * 5) as server:
        api = broken(server)
        another = api.calling_as(tokens=StaticToken("mine"), locale="fr-FR")

        for caller in (api, another):
            for call in GOOD:
                with pytest.raises(NotSentError):
                    call(caller)

        assert len(server.requests) == 5


def test_calls_are_counted_not_tries():
    with RawServer() as server:
        api = client(server.url)
        fail(api, calls=4)

        assert len(server.requests) == 12
        assert not api.breaker.is_open


def test_an_answer_between_them_starts_the_count_anew():
    with RawServer(*[DOWN] * 4, GOOD[read], *[DOWN] * 4) as server:
        api = client(server.url)
        fail(api, calls=4)
        read(api)
        fail(api, calls=4)

        assert not api.breaker.is_open


def test_an_optional_call_opens_nothing_and_probes_nothing():
    with RawServer(*[DOWN] * 11, GOOD[read]) as server:
        api = client(server.url)
        fail(api.within(1), calls=6)
        assert not api.breaker.is_open

        fail(api)
        rested(api)
        with pytest.raises(NotSentError):
            read(api.within(1))
        assert len(server.requests) == 11
        read(api)


def test_after_each_rest_one_call_alone_probes_and_an_answer_closes_it():
    with RawServer(*[DOWN] * 5, hang_up, GOOD[read], GOOD[read]) as server:
        api = broken(server)
        rested(api, then=LATER)
        with pytest.raises(NoAnswerError):
            read(api)
        for _ in range(2):
            with pytest.raises(NotSentError):
                read(api)
        assert len(server.requests) == 6

        rested(api, then=LATER)
        read(api)
        assert not api.breaker.is_open
        read(api)


# Connections that were idle -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "fresh", "connections"), [(update, 0, 2), (update, 60, 1), (read, 0, 1)]
)
def test_a_write_alone_takes_no_connection_that_was_idle_for_long(
    monkeypatch, call, fresh, connections
):
    monkeypatch.setattr("customers.clubmed.transport._FRESH", fresh)
    with RawServer(GOOD[read], GOOD[call]) as server:
        api = client(server.url)
        read(api)
        call(api)

        assert server.connections == connections
