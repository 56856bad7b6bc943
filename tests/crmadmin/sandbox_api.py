"""A client of the sandbox API over real HTTP, and the shape of its refusals."""

import json
from typing import Any

import requests

TOM = "123456789"
HEADERS = {
    "accept": "application/json",
    "accept-language": "en-US",
    "authorization": "Bearer sandbox-token",
    "x-api-key": "sandbox-key",
}
NEW = {"civility": "MS", "first_name": "Ana", "last_name": "Sousa"}
PROFILE = f"/v1/customers/{TOM}/profile"


class Api:
    """A client as the contract wants it; `headers` of None leave one out."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str | None] | None = None,
        timeout: float = 10,
    ) -> requests.Response:
        sent: dict[str, Any] = {**HEADERS, **(headers or {})}
        if body is not None or raw is not None:
            sent = {"Content-Type": "application/json", **sent}
        data = raw if raw is not None else json.dumps(body) if body is not None else None
        return self.session.request(
            method, self.url + path, data=data, headers=sent, timeout=timeout,
            allow_redirects=False,
        )  # fmt: skip

    def create(self, query: str = "", **values: Any) -> requests.Response:
        return self.ask("POST", f"/v1/customers{query}", {**NEW, **values})

    def patch(self, query: str = "", **values: Any) -> requests.Response:
        return self.ask("PATCH", PROFILE + query, values)

    def read(self, customer_id: str = TOM) -> Any:
        answer = self.ask("GET", f"/v2/customers/{customer_id}/profile")
        assert answer.status_code == 200
        return answer.json()


def concerned(answer: requests.Response) -> list[str]:
    """The keys that a 400 names, after looking at its shape."""
    assert answer.status_code == 400
    content = answer.json()
    assert content["status_code"] == 400
    assert content["error"] == "bad_request"
    assert content["error_description"]
    for item in content["errors"]:
        assert set(item) == {"error_code", "concerned_key", "error_description"}
    return [item["concerned_key"] for item in content["errors"]]


def assert_plain_error(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status
    assert set(answer.json()) == {"status_code", "error", "error_description"}
    assert answer.json()["status_code"] == status
