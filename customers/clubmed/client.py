"""The client of the Club Med API: one class, one method a route (contract 1, 2 and 4)."""

import copy
import json
import logging
import math
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast
from urllib.parse import quote, urlencode

import requests
from requests.utils import parse_header_links
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from customers.clubmed.errors import (
    ClubMedError,
    ContractError,
    NoAnswerError,
    NotAnsweringError,
    NotSentError,
    RefusedError,
    refusal,
)
from customers.clubmed.profile import Json, Profile
from customers.clubmed.tokens import TokenSource
from customers.clubmed.transport import Breaker, Call, bound, current_call

logger = logging.getLogger("customers.clubmed")
# What urllib3 logs quotes addresses and header bytes, and with them customers' numbers.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_ID = re.compile("[1-9][0-9]{0,63}")  # contract 3
_LOCALE = re.compile("[a-z]{2,3}(-[A-Z][a-z]{3})?-[A-Z]{2}")  # contract 3
_CHANCE = random.SystemRandom()
_TRIES = 3  # of a read
_BUSY = (429, 502, 503, 504)  # what a gateway says that may be well in a moment
_FORCE_ADDRESS = [("force_address", "true")]
_JSON_NAMES: dict[type[Json], str] = {dict: "object", list: "array"}


def is_locale(text: str) -> bool:
    """Has it the shape of a locale, like en-US?"""
    return bool(_LOCALE.fullmatch(text))


@dataclass(frozen=True)
class FoundPage:
    """One page of a search. items: customers as they came, their `id` as text; what has no usable
    id is left out. total: how many match in all, None where that is not said. has_next: is there
    a further page?
    """

    items: list[dict[str, Json]]
    total: int | None = None
    has_next: bool = False


class ClubMed:
    """The routes that we use. One instance serves all threads of a process.

    Timeouts, the deadline and the pause are in seconds; the deadline bounds a whole call, its tries
    and pauses included, however slowly the server sends. A read is tried at most twice more, after
    a busy gateway or a broken connection. A write is sent once, and once more after a 401 if there
    is another token. Redirects are not followed. Each method raises a ClubMedError and nothing
    else.

    breaker: while Club Med does not answer at all, calls fail at once. It counts calls, not tries.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        tokens: TokenSource,
        locale: str,
        connect_timeout: float,
        read_timeout: float,
        deadline: float,
        pause: float = 0.2,
        pool_size: int = 64,
    ) -> None:
        self.breaker = Breaker()
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._tokens = tokens
        self._locale = locale
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._pause = pause
        self._counts = True
        self._http = requests.Session()
        bound(self._http, pool_size=pool_size)

    def calling_as(self, *, tokens: TokenSource, locale: str) -> "ClubMed":
        """The client for one caller: their token and market, over the same connections."""
        caller = copy.copy(self)
        caller._tokens, caller._locale = tokens, locale
        return caller

    def within(self, seconds: float) -> "ClubMed":
        """A client with a shorter deadline for optional calls; their failures do not count for the
        circuit breaker."""
        optional = copy.copy(self)
        optional._deadline, optional._counts = min(self._deadline, seconds), False
        return optional

    def create_customer(self, fields: Mapping[str, Json], *, force_address: bool = False) -> str:
        """POST /v1/customers; returns the new customer's id.

        Of the 201 only `id` is safe, a text or a number (contract 2); an answer without one is
        NoAnswerError. force_address: bypass the check of the address.
        """
        route = "POST /v1/customers"
        query = _FORCE_ADDRESS if force_address else []
        created, _ = self._call(route, promised=[201], query=query, fields=fields)
        found = _usable_id(created)
        if found is None:
            raise NoAnswerError(f"{route}: 201 without a usable id")
        return found

    def find_customers(
        self, filters: Mapping[str, str], *, limit: int = 10, page: int = 1
    ) -> FoundPage:
        """GET /v1/customers: the customers that match every filter exactly (contract 4).

        filters: search key -> value ("last_name" -> "SMITH"). page: from 1; past the last one
        (416) there are none. Where the list stops is told in headers, so the body is an array and
        nothing else: any other is NoAnswerError. ForbiddenError: this token may not search.
        """
        query = [("filter", f"{key}=={value}") for key, value in filters.items()]
        query += [("limit", str(limit)), ("page", str(page))]
        try:
            items, headers = self._call(
                "GET /v1/customers", promised=[200, 206], shape=list, query=query
            )
        except RefusedError as exc:
            if exc.status == 416:
                return FoundPage([])
            raise
        found = [{**item, "id": number} for item in items if (number := _usable_id(item))]
        return FoundPage(found, _total(headers), "next" in _links(headers))

    def locales(self) -> list[str]:
        """GET /v0/locales: the locales that this API key may use ("fr-FR"); odd items left out."""
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
            raise ContractError("GET /v3/schemas/profile/{locale}: not a locale")
        route = f"GET /v3/schemas/profile/{locale}"
        schema, _ = self._call(route, promised=[200])
        return cast(dict[str, Json], schema)

    def read_profile(self, customer_id: str) -> Profile:
        """GET /v2/customers/{customer_id}/profile."""
        route = "GET /v2/customers/{customer_id}/profile"
        values, _ = self._call(route, promised=[200], customer_id=customer_id)
        return Profile(customer_id, values)

    def update_profile(
        self, customer_id: str, fields: Mapping[str, Json], *, force_address: bool = False
    ) -> None:
        """PATCH /v1/customers/{customer_id}/profile with just these fields.

        A missing field is ignored, null or "" clears it. Only 204 says that it landed.
        """
        self._call(
            "PATCH /v1/customers/{customer_id}/profile",
            promised=[204],
            customer_id=customer_id,
            query=_FORCE_ADDRESS if force_address else [],
            fields=fields,
        )

    def _call(
        self,
        route: str,
        *,
        promised: Sequence[int],
        shape: type[Json] = dict,
        customer_id: str | None = None,
        query: Sequence[tuple[str, str]] = (),
        fields: Mapping[str, Json] | None = None,
    ) -> tuple[Json, Mapping[str, str]]:
        """One call, and one line about it in the log.

        Returns the JSON of a promised success, of that shape ({} for a 204), and the headers.
        Raises a ClubMedError for any other outcome.
        """
        began = time.monotonic()
        call = Call(ends_at=began + self._deadline, is_write=fields is not None)
        reset = current_call.set(call)
        outcome: int | str = "stopped"
        try:
            request = self._request(route, customer_id, query, fields)
            answer = self._tries(route, call, request)
            content = _judge(route, promised, shape, answer)
            outcome = answer.status_code
        except ClubMedError as exc:
            outcome = type(exc).__name__
            raise
        finally:
            current_call.reset(reset)
            if self._counts and call.answered is not None:
                self.breaker.report(answered=call.answered)
            taken = round((time.monotonic() - began) * 1000)
            logger.info("%s %s %d ms", route, outcome, taken)
        return content, answer.headers

    def _request(
        self,
        route: str,
        customer_id: str | None,
        query: Sequence[tuple[str, str]],
        fields: Mapping[str, Json] | None,
    ) -> requests.Request:
        """The request of every try, without its token."""
        method, path = route.split(" ")
        headers = {
            "accept": "application/json",
            "accept-language": self._locale,
            "x-api-key": self._api_key,
        }
        try:
            if customer_id is not None:
                path = path.format(customer_id=_segment(customer_id))
            encoded = urlencode(query, quote_via=quote)  # a space as %20: a few read + as itself
            request = requests.Request(method, self._base_url + path, headers, params=encoded)
            if fields is not None:
                headers["Content-Type"] = "application/json"
                request.data = json.dumps(fields, separators=(",", ":"), allow_nan=False)
            return request
        except (TypeError, ValueError) as exc:
            raise NotSentError(f"{route}: {type(exc).__name__}") from None

    def _tries(self, route: str, call: Call, request: requests.Request) -> requests.Response:
        """The answer of the last try. Raises NoAnswerError or NotSentError if there is none."""
        token = self._token()
        if not self.breaker.allows(may_probe=self._counts):
            raise NotAnsweringError(f"{route}: not tried")
        tries = 1
        is_renewed = False
        while True:
            try:
                answer = self._exchange(route, call, request, token)
            except (NoAnswerError, NotSentError):
                wait = self._jitter(tries)
                if not self._may_go_on(call, tries, wait, needed=1 / 2):
                    raise
            else:
                if answer.status_code == 401 and not is_renewed:
                    rejected, token, is_renewed = token, self._token(rejected=token), True
                    if token != rejected:
                        continue
                wait = max(self._jitter(tries), _retry_after(answer.headers))
                may_go_on = self._may_go_on(call, tries, wait, needed=1 / 8)
                if answer.status_code not in _BUSY or not may_go_on:
                    return answer
            time.sleep(wait)
            tries += 1

    def _token(self, rejected: str = "") -> str:
        """The token of the source; NotSentError, without its text, for whatever it raises."""
        try:
            return self._tokens.token(rejected)
        except ClubMedError:
            raise
        except Exception as exc:
            raise NotSentError(f"no token: {type(exc).__name__}") from None

    def _may_go_on(self, call: Call, tries: int, wait: float, *, needed: float) -> bool:
        """May a read be tried again after so many seconds?

        needed: the part of the deadline that has to be left then. It is larger where no answer
        came: the next try may take as long for nothing.
        """
        has_time = call.left - wait > self._deadline * needed
        return not call.is_write and tries < _TRIES and has_time and not self.breaker.is_open

    def _jitter(self, tries: int) -> float:
        """Seconds to wait, drawn at random, so that many who failed at once do not come back at
        once."""
        return _CHANCE.uniform(0, self._pause * 2**tries)

    def _exchange(
        self, route: str, call: Call, request: requests.Request, token: str
    ) -> requests.Response:
        """Send once and receive the whole answer."""
        call.sent = False
        try:
            request.headers["authorization"] = f"Bearer {token}"
            answer = self._http.send(
                self._http.prepare_request(request), timeout=self._timeouts, allow_redirects=False
            )
        # Whatever the libraries raise: their texts hold addresses, so none is chained.
        except Exception as exc:
            if isinstance(exc, OSError) and not isinstance(exc, ValueError):  # not of our making
                call.answered = False
            kind = NoAnswerError if call.sent else NotSentError
            raise kind(f"{route}: {type(exc).__name__}") from None
        # A 500 is an answer: it may be about one customer, or one value, alone.
        call.answered = answer.status_code not in _BUSY or answer.status_code == 429
        return answer


def _segment(customer_id: str) -> str:
    """The id as one segment of a path. Raises ValueError."""
    if customer_id in ("", ".", ".."):
        raise ValueError("a URL loses such a segment, and leads to another route")
    return quote(customer_id, safe="")


def _judge(
    route: str, promised: Sequence[int], shape: type[Json], answer: requests.Response
) -> Json:
    """The JSON of a promised success. Raises the error that any other answer means."""
    status = answer.status_code
    if 300 <= status < 400:
        raise ContractError(f"{route}: {status}")
    if 400 <= status < 500:
        raise refusal(route, status, _parse(answer.content))
    if status not in promised:
        wanted = " or ".join(map(str, promised))
        raise NoAnswerError(f"{route}: {status} where {wanted} was promised")
    if status == 204:
        return {}
    content = _parse(answer.content)
    if not isinstance(content, shape):
        raise NoAnswerError(f"{route}: {status} without a JSON {_JSON_NAMES[shape]}")
    return content


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` asks for, in either of its forms; 0 without a readable one."""
    try:
        return Retry().parse_retry_after(headers.get("retry-after", ""))
    except (InvalidHeader, ValueError, OverflowError):
        return 0


def _total(headers: Mapping[str, str]) -> int | None:
    """How many there are in all: the end of `Content-Range: 0-9/256`."""
    total = headers.get("content-range", "").rpartition("/")[2].strip()
    return int(total) if total.isdecimal() and len(total) < 10 else None


def _links(headers: Mapping[str, str]) -> set[str]:
    """The relations that the `Link` header names (RFC 8288)."""
    links = parse_header_links(headers.get("link", ""))
    return {name for link in links for name in link.get("rel", "").lower().split()}


def _usable_id(item: Json) -> str | None:
    """An answer's `id` as text; None if it has none that can be a customer's."""
    found = item.get("id") if isinstance(item, dict) else None
    return str(found) if isinstance(found, str | int) and _ID.fullmatch(str(found)) else None


def _parse(body: bytes) -> Json:
    """Any JSON; None for what is none, and for numbers that no JSON could give back.

    Half a character (a lone surrogate, which JSON's escapes can write) becomes "?": no page and no
    database could hold it.
    """
    try:
        parsed = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        whole = json.dumps(parsed, ensure_ascii=False).encode(errors="replace")
        return json.loads(whole)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError("not a finite number")
