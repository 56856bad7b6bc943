"""The client of the Club Med API: one class, one method a route (contract 1 and 2)."""

import json
import logging
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote

import requests

from customers.clubmed.auth import TokenSource
from customers.clubmed.deadline import Call, DeadlineAdapter, current_call
from customers.clubmed.errors import (
    ClubMedError,
    ContractError,
    NoAnswerError,
    NotSentError,
    refusal,
)
from customers.clubmed.profile import Json, Profile

logger = logging.getLogger(__name__)
_LARGEST = 5 * 1024 * 1024  # bytes of an answer
_CHUNK = 64 * 1024


class ClubMed:
    """The three routes. One instance serves all threads of a process.

    Timeouts and the deadline are in seconds; the deadline bounds a whole call, however slowly the
    server sends. Nothing is retried and no redirect is followed.
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
        pool_size: int = 64,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._tokens = tokens
        self._locale = locale
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._deadline = deadline
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy and no .netrc by surprise
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers["User-Agent"] = "crmadmin"
        adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
        self._http.mount("http://", adapter)
        self._http.mount("https://", adapter)

    def create_customer(self, fields: Mapping[str, Json], *, force_address: bool = False) -> str:
        """POST /v1/customers; returns the new customer's id.

        Of the 201 only `id` is safe (contract 2); an answer without one is NoAnswerError.
        """
        route = "POST /v1/customers"
        status, body = self._call(route, {}, fields, force_address=force_address)
        found = _parsed(route, body).get("id") if status == 201 else None
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if not isinstance(found, str) or not found:
            raise NoAnswerError(f"{route}: {status} without a usable id")
        return found

    def read_profile(self, customer_id: str) -> Profile:
        """GET /v2/customers/{customer_id}/profile."""
        route = "GET /v2/customers/{customer_id}/profile"
        status, body = self._call(route, {"customer_id": customer_id}, None)
        if status != 200:
            raise NoAnswerError(f"{route}: {status} where 200 was promised")
        return Profile(customer_id, _parsed(route, body))

    def update_profile(
        self, customer_id: str, fields: Mapping[str, Json], *, force_address: bool = False
    ) -> None:
        """PATCH /v1/customers/{customer_id}/profile with just these fields.

        A missing field is ignored, null or "" clears it. Only 204 says that it landed.
        """
        route = "PATCH /v1/customers/{customer_id}/profile"
        ids = {"customer_id": customer_id}
        status, _ = self._call(route, ids, fields, force_address=force_address)
        if status != 204:
            raise NoAnswerError(f"{route}: {status} where 204 was promised")

    def _call(
        self,
        route: str,
        ids: Mapping[str, str],
        fields: Mapping[str, Json] | None,
        *,
        force_address: bool = False,
    ) -> tuple[int, bytes]:
        """One call; returns the status and body of a 2xx, raises for everything else."""
        began = time.monotonic()
        call = Call(ends_at=began + self._deadline)
        outcome = "answered"
        reset = current_call.set(call)
        try:
            status, body = self._send(route, ids, fields, call, force_address)
            if 300 <= status < 400:
                raise ContractError(f"{route}: redirected with {status}")
            if 400 <= status < 500:
                raise refusal(route, status, _json(body))
            if not 200 <= status < 300:
                raise NoAnswerError(f"{route}: {status}")
            return status, body
        except ClubMedError as exc:
            outcome = type(exc).__name__
            raise
        finally:
            current_call.reset(reset)
            taken = round((time.monotonic() - began) * 1000)
            logger.info("%s %s in %s ms", route, outcome, taken)

    def _send(
        self,
        route: str,
        ids: Mapping[str, str],
        fields: Mapping[str, Json] | None,
        call: Call,
        force_address: bool,
    ) -> tuple[int, bytes]:
        method, path = route.split(" ")
        path = path.format_map({key: quote(value, safe="") for key, value in ids.items()})
        headers = {
            "accept": "application/json",
            "accept-language": self._locale,
            "authorization": f"Bearer {self._tokens.token()}",
            "x-api-key": self._api_key,
        }
        if fields is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._http.request(
                method,
                self._base_url + path,
                params={"force_address": "true"} if force_address else None,
                data=None if fields is None else json.dumps(fields, separators=(",", ":")).encode(),
                headers=headers,
                timeout=(min(self._connect_timeout, self._deadline), self._read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, _read(route, response)
        except ClubMedError:
            raise
        # Whatever the libraries below raise: their texts hold addresses, so they are not chained.
        except Exception as exc:
            kind = type(exc).__name__
            if call.sent:
                raise NoAnswerError(f"{route}: {kind}") from None
            raise NotSentError(f"{route}: {kind}") from None


def _read(route: str, response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > _LARGEST:
            raise NoAnswerError(f"{route}: more than {_LARGEST} bytes")
    return bytes(body)


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _parsed(route: str, body: bytes) -> dict[str, Json]:
    parsed = _json(body)
    if not isinstance(parsed, dict):
        raise NoAnswerError(f"{route}: the answer is no JSON object")
    return parsed
