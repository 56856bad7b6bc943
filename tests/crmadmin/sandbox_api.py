"""A client of the sandbox API over real HTTP."""

import json

TOM = "123456789"
HEADERS = {
    "accept": "application/json",
    "accept-language": "en-US",
    "authorization": "Bearer sandbox-token",
    "x-api-key": "sandbox-key",
}
NEW = {"civility": "MS", "first_name": "Ana", "last_name": "Sousa"}
PROFILE = f"/v1/customers/{TOM}/profile"
READ = f"/v2/customers/{TOM}/profile"


class Api:
    """Asks as the contract wants it; a header of None is left out."""

    def __init__(self, url, session):
        self.url = url
        self.session = session

    def ask(self, method, path, body=None, *, raw=None, headers=None, timeout=60):
        sent = HEADERS | (headers or {})
        if body is not None or raw is not None:
            sent = {"Content-Type": "application/json"} | sent
        data = json.dumps(body) if raw is None and body is not None else raw
        address, settings = self.url + path, {"timeout": timeout, "allow_redirects": False}
        return self.session.request(method, address, data=data, headers=sent, **settings)

    def create(self, query="", *, market="en-US", **values):
        headers = {"accept-language": market}
        return self.ask("POST", f"/v1/customers{query}", NEW | values, headers=headers)

    def patch(self, query="", **values):
        return self.ask("PATCH", PROFILE + query, values)

    def read(self, customer_id=TOM):
        answer = self.ask("GET", f"/v2/customers/{customer_id}/profile")
        assert answer.status_code == 200
        return answer.json()


def concerned(answer):
    """The keys that a 400 names."""
    assert answer.status_code == 400
    return [item["concerned_key"] for item in answer.json()["errors"]]
