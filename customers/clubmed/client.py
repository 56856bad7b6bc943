"""The client of the Club Med API: one class, one method a route (contract 1, 2 and 4)."""

import json
import logging
import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import quote, urlencode

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from customers.clubmed import errors
from customers.clubmed.profile import Json, Profile
from customers.clubmed.tokens import TokenSource
from customers.clubmed.transport import Breaker, Call, bounded_session, current_call

logger = logging.getLogger("customers.clubmed")
# The log lines of urllib3 quote addresses and header bytes, and with them customers' numbers.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_ID = re.compile("[1-9][0-9]{0,63}")  # contract 3
_LOCALE = re.compile("[a-z]{2,3}(-[A-Z][a-z]{3})?-[A-Z]{2}")  # contract 3
_CHANCE = random.SystemRandom()
_TRIES = 3  # of a read
_BUSY = (429, 502, 503, 504)  # answers of a gateway that may be well in a moment


def is_locale(text: str) -> bool:
    """Has it the shape of a locale, like en-US?"""
    return bool(_LOCALE.fullmatch(text))


@dataclass(frozen=True)
class SearchPage:
    """One page of a search, and how many match in all (None if unknown).

    items: customers as they came, their `id` as text; those without a usable id are left out.
    """

    items: list[dict[str, Json]]
    total: int | None = None
    has_next: bool = False


@dataclass(frozen=True, kw_only=True)
class ClubMed:
    """The routes that we use. One instance serves all threads of a process.

    Times are in seconds. The deadline bounds a whole call, its tries and pauses included. A read is
    tried at most twice more, after a busy gateway or a broken connection. A write is sent once, and
    once more after a 401 if there is another token. Redirects are not followed. Each method raises
    a ClubMedError and nothing else. breaker: it counts calls, but for optional ones.
    """

    base_url: str
    api_key: str = field(repr=False)
    tokens: TokenSource
    locale: str
    connect_timeout: float
    read_timeout: float
    deadline: float
    pause: float = 0.2
    is_optional: bool = False
    breaker: Breaker = field(default_factory=Breaker)
    http: requests.Session = field(default_factory=bounded_session)

    def calling_as(self, *, tokens: TokenSource, locale: str) -> "ClubMed":
        """The client for one caller: their token and market, over the same connections."""
        return replace(self, tokens=tokens, locale=locale)

    def within(self, seconds: float) -> "ClubMed":
        """A client with a shorter deadline, for optional calls: the breaker does not count them."""
        return replace(self, deadline=min(self.deadline, seconds), is_optional=True)

    def create_customer(self, fields: Mapping[str, Json], *, force_address: bool = False) -> str:
        """POST /v1/customers; returns the new customer's id. NoAnswerError: the 201 has none.

        force_address: bypass the check of the address.
        """
        route = "POST /v1/customers"
        body, _ = self._call(route, promised=[201], forced=force_address, fields=fields)
        if (number := _usable_id(body)) is None:
            raise errors.NoAnswerError(f"{route}: 201 without a usable id")
        return number

    def find_customers(
        self, filters: Mapping[str, str], *, limit: int = 10, page: int = 1
    ) -> SearchPage:
        """GET /v1/customers: the customers that match every filter exactly (contract 4).

        filters: search key -> value ("last_name" -> "SMITH"). page: from 1, empty past the last.
        """
        query = [("filter", f"{key}=={value}") for key, value in filters.items()]
        query += [("limit", str(limit)), ("page", str(page))]
        route = "GET /v1/customers"
        try:
            items, answer = self._call(route, promised=[200, 206], shape=list, query=query)
        except errors.RefusedError as exc:
            if exc.status == 416:
                return SearchPage([])
            raise
        customers = [{**item, "id": number} for item in items if (number := _usable_id(item))]
        total = answer.headers.get("content-range", "").rpartition("/")[2].strip()  # 0-9/256
        count = int(total) if total.isdecimal() and len(total) < 10 else None
        return SearchPage(customers, count, has_next="next" in answer.links)

    def locales(self) -> list[str]:
        """GET /v0/locales: the locales that this API key may use ("fr-FR")."""
        items, _ = self._call("GET /v0/locales", promised=[200], shape=list)
        return [item for item in items if isinstance(item, str) and is_locale(item)]

    def civilities(self) -> list[dict[str, Json]]:
        """GET /v0/civilities: {code, label, type: adult|child, sex} each."""
        items, _ = self._call("GET /v0/civilities", promised=[200], shape=list)
        return [item for item in items if isinstance(item, dict)]

    def countries(self) -> list[dict[str, Json]]:
        """GET /v0/countries: {id, label, phones: {calling_code}, languages} each."""
        items, _ = self._call("GET /v0/countries", promised=[200], shape=list)
        return [item for item in items if isinstance(item, dict)]

    def profile_schema(self, locale: str) -> dict[str, Json]:
        """GET /v3/schemas/profile/{localeOrCountry}: the market's JSON Schema, as it came."""
        if not is_locale(locale):
            raise errors.ContractError("GET /v3/schemas/profile/{locale}: not a locale")
        schema, _ = self._call(f"GET /v3/schemas/profile/{locale}", promised=[200])
        return cast(dict[str, Json], schema)

    def read_profile(self, customer_id: str) -> Profile:
        """GET /v2/customers/{customer_id}/profile."""
        route = "GET /v2/customers/{customer_id}/profile"
        values, answer = self._call(route, promised=[200], customer_id=customer_id)
        return Profile(customer_id, values, len(answer.content))

    def update_profile(
        self, customer_id: str, fields: Mapping[str, Json], *, force_address: bool = False
    ) -> None:
        """PATCH /v1/customers/{customer_id}/profile with just these fields.

        A missing field is ignored, null or "" clears it. Only 204 says that it landed.
        """
        route = "PATCH /v1/customers/{customer_id}/profile"
        about: dict[str, Any] = {"customer_id": customer_id, "forced": force_address}
        self._call(route, promised=[204], fields=fields, **about)

    def _call(
        self,
        route: str,
        *,
        promised: Sequence[int],
        shape: type[Json] = dict,
        fields: Mapping[str, Json] | None = None,
        **address: Any,
    ) -> tuple[Json, requests.Response]:
        """One call, and one line about it in the log. address: see `_request`.

        Returns the JSON of a promised success, of that shape ({} for a 204), and the answer.
        """
        began = time.monotonic()
        call = Call(ends_at=began + self.deadline, is_write=fields is not None)
        reset = current_call.set(call)
        outcome: int | str = "stopped"
        cause = {}
        try:
            answer = self._tries(call, self._request(route, fields, **address))
            content = _judge(route, promised, shape, answer)
            outcome = answer.status_code
        except errors.ClubMedError as exc:
            outcome = type(exc).__name__
            raise
        except Exception as exc:  # of the libraries: their texts hold addresses, so none is chained
            kind = errors.NoAnswerError if call.was_sent else errors.NotSentError
            outcome, cause = kind.__name__, {"cause": type(exc).__name__}
            raise kind(f"{route}: {type(exc).__name__}") from None
        finally:
            current_call.reset(reset)
            if not self.is_optional and call.was_answered is not None:
                self.breaker.report(answered=call.was_answered)
            ms = round((time.monotonic() - began) * 1000)
            about = {"route": route, "outcome": str(outcome), "ms": ms}
            logger.info("called", extra=about | cause)
        return content, answer

    def _request(
        self,
        route: str,
        fields: Mapping[str, Json] | None,
        *,
        customer_id: str = "",
        query: Sequence[tuple[str, str]] = (),
        forced: bool = False,
    ) -> requests.Request:
        """The request of every try, without its token. Raises ValueError or TypeError."""
        method, path = route.split(" ")
        headers = {"accept-language": self.locale, "x-api-key": self.api_key}
        headers["accept"] = "application/json"
        url = self.base_url.rstrip("/") + path.format(customer_id=quote(customer_id, safe=""))
        query = [*query, ("force_address", "true")] if forced else query
        encoded = urlencode(query, quote_via=quote)  # a space as %20: not every server reads +
        request = requests.Request(method, url, headers, params=encoded)
        if fields is not None:
            headers["Content-Type"] = "application/json"
            request.data = json.dumps(fields, separators=(",", ":"), allow_nan=False)
        return request

    def _tries(self, call: Call, request: requests.Request) -> requests.Response:
        """The answer of the last try. Without one, raises the exception of the library."""
        token = self.tokens.token()
        if not self.breaker.allows(may_probe=not self.is_optional):
            raise errors.NotSentError("the circuit breaker is open")
        tries, is_renewed = 1, False
        while True:
            # At random: calls that failed together do not come back together.
            wait = _CHANCE.uniform(0, self.pause * 2**tries)
            try:
                answer = self._send(call, request, token)
            except Exception as exc:
                if isinstance(exc, OSError) and not isinstance(exc, ValueError):  # of the network
                    call.was_answered = False
                if not self._may_go_on(call, tries, wait):
                    raise
            else:
                if answer.status_code == 401 and not is_renewed:
                    call.was_sent = False  # nothing landed
                    rejected, token, is_renewed = token, self.tokens.token(token), True
                    if token != rejected:
                        continue
                with suppress(InvalidHeader, ValueError, OverflowError):
                    header = answer.headers.get("retry-after", "")
                    wait = max(wait, Retry().parse_retry_after(header))
                if answer.status_code not in _BUSY or not self._may_go_on(call, tries, wait):
                    return answer
            time.sleep(wait)
            tries += 1

    def _may_go_on(self, call: Call, tries: int, wait: float) -> bool:
        """May a read be tried again after so many seconds? Needs a third of the call's time."""
        has_time = call.seconds_left - wait > self.deadline / 3
        return not call.is_write and tries < _TRIES and has_time and not self.breaker.is_open

    def _send(self, call: Call, request: requests.Request, token: str) -> requests.Response:
        """Send once and receive the whole answer."""
        call.was_sent = False
        request.headers["authorization"] = f"Bearer {token}"
        answer = self.http.send(
            self.http.prepare_request(request),
            timeout=(self.connect_timeout, self.read_timeout),
            allow_redirects=False,
        )
        # A 500 is an answer: it may be about one customer, or one value, alone.
        call.was_answered = answer.status_code not in _BUSY or answer.status_code == 429
        return answer


def _judge(
    route: str, promised: Sequence[int], shape: type[Json], answer: requests.Response
) -> Json:
    """The JSON of a promised success. Raises the error that any other answer means."""
    status = answer.status_code
    if 300 <= status < 400:
        raise errors.ContractError(f"{route}: {status}")
    if 400 <= status < 500:
        raise errors.refusal(route, status, _parse(answer.content))
    if status not in promised:
        wanted = " or ".join(map(str, promised))
        raise errors.NoAnswerError(f"{route}: {status} where {wanted} was promised")
    content = {} if status == 204 else _parse(answer.content)
    if not isinstance(content, shape):
        raise errors.NoAnswerError(f"{route}: {status} without a JSON {shape.__name__}")
    return content


def _usable_id(item: Json) -> str | None:
    """An item's `id` as text; None if no customer can have such an id."""
    number = item.get("id") if isinstance(item, dict) else None
    return str(number) if isinstance(number, str | int) and _ID.fullmatch(str(number)) else None


def _parse(body: bytes) -> Json:
    """The body's JSON; None if it is none, or holds a number that no JSON can give back.

    Half a character (a lone surrogate) becomes "?": no page and no database can hold it.
    """
    try:
        whole = json.dumps(json.loads(body), ensure_ascii=False, allow_nan=False)
        return json.loads(whole.encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
