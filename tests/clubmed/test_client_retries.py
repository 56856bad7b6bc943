"""What the client tries again, when it leaves Club Med alone, and what it never does twice."""

import copy
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from customers.clubmed.errors import (
    BusyError,
    NoAnswerError,
    NotSentError,
    UnauthorizedError,
)
from customers.clubmed.tokens import StaticToken
from tests.clubmed.calls import CREATED, NEW, PROFILE, TOM, client
from tests.wire import RawServer, answer

GOOD = answer(200, PROFILE)
LATER = 99  # seconds, more than any deadline here
DOWN = answer(503, **{"retry-after": str(LATER)})  # said once a call


def hang_up(connection):
    connection.close()


def read(server, **changes):
    return client(server.url, **changes).read_profile(TOM)


CALLS = {
    "read": (lambda api: api.read_profile(TOM), GOOD),
    "update": (lambda api: api.update_profile(TOM, {"email": None}), answer(204)),
    "create": (lambda api: api.create_customer(NEW), CREATED),
}
every_call = pytest.mark.parametrize(("call", "done"), CALLS.values(), ids=CALLS)


# Reads are tried again ------------------------------------------------------------------------


@pytest.mark.parametrize("said", [*(answer(s) for s in (429, 502, 503, 504)), hang_up])
def test_a_read_is_tried_at_most_twice_more(said):
    with RawServer(said, said, GOOD) as server:
        assert read(server).values == PROFILE
        assert len(server.requests) == 3

    with RawServer(said, said, said, GOOD) as server:
        with pytest.raises((NoAnswerError, BusyError)):
            read(server)
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500, 501])
def test_a_read_that_was_answered_is_not_tried_again(status):
    with RawServer(answer(status), GOOD) as server:
        with pytest.raises(Exception, match=str(status)):
            read(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("said", [*(answer(s) for s in (429, 502, 503, 504)), hang_up])
@pytest.mark.parametrize("name", ["update", "create"])
def test_a_write_is_never_sent_twice(said, name):
    call, done = CALLS[name]
    with RawServer(said, done) as server:
        with pytest.raises((NoAnswerError, BusyError)):
            call(client(server.url))
        assert len(server.requests) == 1


def test_a_read_that_took_most_of_its_time_is_not_tried_again():
    slow = RawServer(lambda connection: time.sleep(0.45), GOOD)  # then it would answer in time
    with slow as server, pytest.raises(NoAnswerError):
        read(server, read_timeout=0.4, deadline=0.5)


def test_pauses_grow_and_are_drawn_at_random():
    api = client("http://127.0.0.1:9", pause=0.1)
    draws = [[api._jitter(tries) for _ in range(300)] for tries in (1, 2)]

    assert all(0 <= one <= 0.2 for one in draws[0])
    assert all(0 <= one <= 0.4 for one in draws[1])
    assert min(draws[0]) < 0.05
    assert max(draws[1]) > 0.2


def in_two_seconds():
    """Dates have no fractions."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize(("asked", "least"), [(lambda: "1", 1), (in_two_seconds, 0.5)])
def test_retry_after_is_waited_for_though_it_takes_most_of_the_time(asked, least):
    began = time.monotonic()
    with RawServer(answer(503, **{"retry-after": asked()}), GOOD) as server:
        read(server, deadline=3.5)

    assert time.monotonic() - began > least


@pytest.mark.parametrize("asked", [str(LATER), "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_who_asks_for_more_time_than_is_left_is_not_asked_again(asked):
    with RawServer(answer(503, **{"retry-after": asked}), GOOD) as server:
        with pytest.raises(NoAnswerError):
            read(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("odd", ["soon", "-5", "", "1e9", "9" * 400])
def test_an_odd_retry_after_is_no_retry_after_or_too_long(odd):
    with RawServer(answer(503, **{"retry-after": odd}), GOOD) as server:
        try:
            assert read(server).values == PROFILE
        except NoAnswerError:
            assert odd == "9" * 400


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


@every_call
def test_after_a_401_the_token_is_renewed_once_and_the_call_repeated(call, done):
    source = Renewable("old", "new")
    with RawServer(answer(401), done) as server:
        call(client(server.url, tokens=source))

        sent = [request.headers["authorization"] for request in server.requests]
        assert sent == ["Bearer old", "Bearer new"]
        assert source.rejected == ["old"]
        assert server.requests[0].body == server.requests[1].body


@every_call
@pytest.mark.parametrize(
    ("source", "sent"), [(Renewable("old", "new", "newer"), 2), (StaticToken("old"), 1)]
)
def test_a_401_is_final_without_another_token_or_the_second_time(call, done, source, sent):
    with RawServer(answer(401), answer(401), done) as server:
        with pytest.raises(UnauthorizedError):
            call(client(server.url, tokens=copy.deepcopy(source)))
        assert len(server.requests) == sent


def test_a_repeated_write_that_breaks_is_sent_no_third_time():
    with RawServer(answer(401), hang_up, answer(204)) as server:
        with pytest.raises(NoAnswerError):
            client(server.url, tokens=Renewable("old", "new")).update_profile(TOM, {"email": None})
        assert len(server.requests) == 2


# Club Med that does not answer is left alone --------------------------------------------------


def fail(api, calls=5):
    for _ in range(calls):
        with pytest.raises(NoAnswerError):
            api.read_profile(TOM)


def broken(server, **changes):
    """A client whose breaker has opened on that server."""
    api = client(server.url, **changes)
    fail(api)
    assert api.breaker.is_open
    return api


def test_after_five_calls_without_an_answer_none_is_made():
    with RawServer(*[DOWN] * 5) as server:
        api = broken(server)

        for call, _ in CALLS.values():
            with pytest.raises(NotSentError):
                call(api)

        assert len(server.requests) == 5


def test_calls_are_counted_not_tries():
    with RawServer() as server:
        api = client(server.url)
        fail(api, calls=4)

        assert len(server.requests) == 12
        assert not api.breaker.is_open


def test_an_answer_between_them_starts_the_count_anew():
    with RawServer(*[DOWN] * 4, GOOD, *[DOWN] * 4) as server:
        api = client(server.url)
        fail(api, calls=4)
        api.read_profile(TOM)
        fail(api, calls=4)

        assert not api.breaker.is_open


def test_what_only_helps_opens_nothing_and_probes_nothing():
    with RawServer(*[DOWN] * 11, GOOD) as server:
        api = client(server.url)
        fail(api.within(1), calls=6)
        assert not api.breaker.is_open

        fail(api)
        rested(api.breaker)
        with pytest.raises(NotSentError):
            api.within(1).read_profile(TOM)
        assert len(server.requests) == 11
        api.read_profile(TOM)


def test_callers_share_what_is_known():
    with RawServer(*[DOWN] * 5) as server:
        api = broken(server)

        with pytest.raises(NotSentError):
            api.calling_as(tokens=StaticToken("mine"), locale="fr-FR").read_profile(TOM)


def rested(breaker):
    breaker.rest = 0
    breaker.report(answered=False)


def test_after_a_rest_one_call_alone_probes_and_an_answer_closes_it():
    with RawServer(*[DOWN] * 5, GOOD, GOOD) as server:
        api = broken(server)
        rested(api.breaker)
        api.breaker.rest = LATER
        assert [api.breaker.allows() for _ in range(3)] == [True, False, False]

        rested(api.breaker)
        api.read_profile(TOM)

        assert not api.breaker.is_open
        api.read_profile(TOM)


def test_a_probe_that_fails_is_not_repeated_and_the_rest_begins_anew():
    with RawServer(*[DOWN] * 5, hang_up, GOOD) as server:
        api = broken(server)
        rested(api.breaker)
        api.breaker.rest = LATER

        with pytest.raises(NoAnswerError):
            api.read_profile(TOM)
        with pytest.raises(NotSentError):
            api.read_profile(TOM)

        assert len(server.requests) == 6


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_an_answer_about_one_customer_is_an_answer(status):
    with RawServer(*[answer(status)] * 18) as server:
        api = client(server.url)
        for _ in range(6):
            with pytest.raises(Exception, match=str(status)):
                api.read_profile(TOM)

        assert not api.breaker.is_open


# Connections that were idle -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fresh", "connections"), [("update", 0, 2), ("update", 60, 1), ("read", 0, 1)]
)
def test_a_write_alone_takes_no_connection_that_was_idle_for_long(
    monkeypatch, name, fresh, connections
):
    monkeypatch.setattr("customers.clubmed.transport._FRESH", fresh)
    call, done = CALLS[name]
    with RawServer(GOOD, done) as server:
        api = client(server.url)
        api.read_profile(TOM)
        call(api)

        assert server.connections == connections
