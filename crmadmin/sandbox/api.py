"""The eight routes, their headers and their refusals (contract, sections 1, 2 and 4)."""

import json
import re
import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from requests.structures import CaseInsensitiveDict

from crmadmin.sandbox import reference, rules, schemas
from crmadmin.sandbox.people import people
from crmadmin.sandbox.search import Search

_PROFILE = "customers/(?P<customer_id>[^/]+)/profile"
_ROUTES = [
    ("create", "POST", re.compile("/v1/customers")),
    ("search", "GET", re.compile("/v1/customers")),
    ("read", "GET", re.compile(f"/v2/{_PROFILE}")),
    ("update", "PATCH", re.compile(f"/v1/{_PROFILE}")),
    ("locales", "GET", re.compile("/v0/locales")),
    ("civilities", "GET", re.compile("/v0/civilities")),
    ("countries", "GET", re.compile("/v0/countries")),
    ("schema", "GET", re.compile("/v3/schemas/profile/(?P<market>[^/]+)")),
]
_NEEDS_LOCALE = {"create", "read", "update"}
_NEW_PROFILE = (
    "gm_number",
    "civility",
    "unicode_civility",
    "gender",
    "first_name",
    "last_name",
    "unicode_first_name",
    "unicode_last_name",
    "second_name",
    "unicode_second_name",
    "third_name",
    "unicode_third_name",
    "fourth_name",
    "unicode_fourth_name",
    "email",
    "birthdate",
    "birth_country_code",
    "birth_city",
    "language_code",
    "phones",
    "address",
    "optins",
    "identity",
    "health_pass_id",
    "filiation_number",
)
_FOUND = (
    "id",
    "gm_number",
    "civility",
    "first_name",
    "last_name",
    "birthdate",
    "email",
    "phones",
    "address",
    "blacklisted",
)


@dataclass(frozen=True)
class Recorded:
    """A request as it came over the wire.

    path without the query, query as sent ("" when there is none), headers by any case of their
    name. The raw body is in `body`, what it says in `json`.
    """

    method: str
    path: str
    query: str
    headers: CaseInsensitiveDict[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON, None when it is empty. Raises ValueError."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Answer:
    """What goes back: content is JSON (None for no body at all), unless `raw` is given."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.content is None:
            return b""
        return json.dumps(self.content, ensure_ascii=False).encode("utf-8", "replace")


class Refusing(Exception):
    """The request ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


def error(
    status: int, description: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """An error in the contract's shape: status_code, error, error_description, then `more`."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    name = phrase.lower().replace(" ", "_")
    content = {"status_code": status, "error": name, "error_description": description, **more}
    return Answer(status, content, headers or {})


class Api:
    """Customers and what may be done with them; safe to use from many threads.

    customers: id -> the profile as stored, with its id. forbidden: ids that answer 403.
    searchable: whether the token may search. tokens: those that are good, `token` among them.
    """

    def __init__(self, *, token: str, api_key: str, seed: int) -> None:
        self.token = token
        self.tokens = {token}
        self.api_key = api_key
        self.lock = threading.RLock()
        self._seeded = people(seed)
        self.customers: dict[str, dict[str, Any]] = {}
        self.forbidden: set[str] = set()
        self.searchable = True
        self.reset()

    def reset(self) -> None:
        """Most profiles are as seeded: the others are copied anew. All stand in their order."""
        with self.lock:
            held = self.customers.copy()
            self.customers.clear()
            for number, profile in self._seeded.items():
                is_seeded = held.get(number) == profile
                self.customers[number] = held[number] if is_seeded else deepcopy(profile)
            self.forbidden.clear()
            self.searchable = True
            self.tokens.clear()
            self.tokens.add(self.token)

    def answer(self, request: Recorded) -> Answer:
        """Does what the request asks, and says so."""
        try:
            operation, asked = _route(request)
            self._check_rights(request)
            locale = _check_headers(request, needs_locale=operation in _NEEDS_LOCALE)
            force = _force_address(request)
            with self.lock:
                match operation:
                    case "search":
                        return self._search(request.query)
                    case "create":
                        return self._create(_body(request), locale, force_address=force)
                    case "update":
                        profile = self._profile(asked)
                        return self._patch(profile, _body(request), force_address=force)
                    case "read":
                        return Answer(200, _as_read(self._profile(asked)))
                    case _:
                        return _reference(operation, asked, locale)
        except Refusing as refusing:
            return refusing.answer
        except rules.Refused as refused:
            errors = [refusal.as_json() for refusal in refused.refusals]
            return error(400, "Some values were refused.", errors=errors)

    def change_elsewhere(self, customer_id: str, request: Recorded) -> Answer:
        """Store what another system of Club Med's would, unchecked."""
        try:
            with self.lock:
                self._profile(customer_id).update(_body(request))
        except Refusing as refusing:
            return refusing.answer
        return Answer(204)

    def _check_rights(self, request: Recorded) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.tokens:
            raise Refusing(error(401, "The access token is missing or not valid."))
        if request.headers.get("x-api-key") != self.api_key:
            raise Refusing(error(403, "The API key is missing or not valid."))

    def _profile(self, customer_id: str) -> dict[str, Any]:
        profile = self.customers.get(customer_id)
        if profile is None:
            raise Refusing(error(404, "There is no customer with this identifier."))
        if customer_id in self.forbidden:
            raise Refusing(error(403, "You may not use this customer's profile."))
        return profile

    def _search(self, query: str) -> Answer:
        if not self.searchable:
            raise Refusing(error(403, "This token may not search for customers."))
        search = Search.from_query(query)
        found = search.among(self.customers.values())
        items = [_as_found(profile) for profile in search.on_page(found)]
        if not items and search.page > 1:
            raise Refusing(error(416, "There are not that many pages."))
        if len(items) == len(found):
            return Answer(200, items)
        return Answer(206, items, search.headers(len(found)))

    def _create(self, body: dict[str, Any], locale: str, *, force_address: bool) -> Answer:
        refused = schemas.refusals(locale, body, complete=True)
        stored = rules.check_create(body, refused, force_address=force_address)
        stored.pop("call_id", None)  # taken at creation, never read back
        number = max((int(key) for key in self.customers if key.isdigit()), default=0) + 1
        profile = {
            **dict.fromkeys(_NEW_PROFILE),
            "customer_type": "PROSPECT",
            "customer_status": "NEW_CUSTOMER",
            "personal_data_usage_allowed": False,
            "loyalty_program": {"status": "NONE", "points": 0, "previous_status": None},
            "blacklisted": False,
            **{key: value for key, value in stored.items() if value is not None},
            "id": str(number),
            "gm_number": str(number + 500_000_000),  # another number, so that nobody mixes them up
            "gender": rules.CIVILITIES[stored["civility"]],
            "locale": locale,
        }
        self.customers[profile["id"]] = profile
        names = {key: profile[key] for key in ("first_name", "last_name")}
        new = {key: profile[key] for key in ("id", "gm_number", "email")}
        return Answer(201, {**new, "identity": names, "locale": locale})

    def _patch(
        self, profile: dict[str, Any], body: dict[str, Any], *, force_address: bool
    ) -> Answer:
        refused = schemas.refusals(str(profile.get("locale")), body, complete=False)
        stored = rules.check_patch(body, refused, force_address=force_address)
        profile.update(stored)
        if "civility" in stored:
            profile["gender"] = rules.CIVILITIES[stored["civility"]]
        return Answer(204)


def _route(request: Recorded) -> tuple[str, str]:
    """The operation, and what the path names ("" for nothing). Raises Refusing with 404 or 405."""
    found = {
        method: (operation, match)
        for operation, method, pattern in _ROUTES
        if (match := pattern.fullmatch(request.path))
    }
    if not found:
        raise Refusing(error(404, "There is no such route."))
    if request.method not in found:
        headers = {"Allow": ", ".join(sorted(found))}
        text = "This route does not take this method."
        raise Refusing(error(405, text, headers=headers))
    operation, match = found[request.method]
    return operation, "".join(match.groups())


def _reference(operation: str, asked: str, language: str) -> Answer:
    """What is the same for every customer. Raises Refusing with 404 for an unknown market."""
    match operation:
        case "locales":
            return Answer(200, list(reference.LOCALES))
        case "civilities":
            return Answer(200, reference.civilities(language))
        case "countries":
            return Answer(200, reference.countries(language))
    market = schemas.market_of(asked)
    if market is None:
        raise Refusing(error(404, "There is no schema for this locale or country."))
    return Answer(200, schemas.profile_schema(market))


def _check_headers(request: Recorded, *, needs_locale: bool) -> str:
    """The locale that was asked for, as it came where none is needed. Raises Refused."""
    refusals = []
    if "application/json" not in request.headers.get("accept", ""):
        refusals.append(rules.Refusal("pattern", "accept", "application/json is needed."))
    locale = request.headers.get("accept-language", "")
    if needs_locale and not re.fullmatch("[a-z]{2}-[A-Z]{2}", locale):
        refusals.append(rules.Refusal("pattern", "accept-language", "A locale as en-US."))
    if refusals:
        raise rules.Refused(*refusals)
    return locale


def _force_address(request: Recorded) -> bool:
    sent = parse_qs(request.query, keep_blank_values=True).get("force_address", ["false"])
    if sent not in (["true"], ["false"]):
        raise rules.Refused(rules.Refusal("type", "force_address", "true or false."))
    return sent == ["true"]


def _body(request: Recorded) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refusing(error(400, "The content type must be application/json."))
    try:
        body = request.json
    except (ValueError, RecursionError):
        raise Refusing(error(400, "The body is not JSON.")) from None
    if not isinstance(body, dict):
        raise Refusing(error(400, "The body must be a JSON object."))
    return body


def _as_read(profile: dict[str, Any]) -> dict[str, Any]:
    """Version 2 of the read: no id inside, null where a value is empty."""
    return {key: _nulled(value) for key, value in profile.items() if key != "id"}


def _as_found(profile: dict[str, Any]) -> dict[str, Any]:
    """A customer as an item of a search, null where nothing is stored."""
    item = {key: _nulled(profile.get(key)) for key in _FOUND}
    return {**item, "type": profile.get("customer_type")}


def _nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nulled(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_nulled(item) for item in value]
    return None if value == "" else value
