"""The scenario "Create and update a customer", on the wire: create, read, update, read again."""

from customers.clubmed.client import ClubMed
from customers.clubmed.tokens import StaticToken

HEADERS = {
    "accept": "application/json",
    "accept-language": "en-US",
    "authorization": "Bearer sandbox-token",
    "x-api-key": "sandbox-key",
    "user-agent": "crmadmin",
}


def test_create_read_update_and_read_again(clubmed):
    client = ClubMed(
        base_url=f"{clubmed.url}/",  # a slash at the end makes no double slash
        api_key="sandbox-key",
        tokens=StaticToken("sandbox-token"),
        locale="en-US",
        connect_timeout=2,
        read_timeout=2,
        deadline=5,
    )

    number = client.create_customer(
        {"civility": "MR", "first_name": "Tom", "last_name": "Smith", "email": "tom@example.com"}
    )
    before = client.read_profile(number)
    client.update_profile(number, {"email": "smith@example.com", "birth_city": ""})
    after = client.read_profile(number)

    assert before.get("email") == "tom@example.com"
    assert after.get("email") == "smith@example.com"
    wire = [(r.method, r.path, r.query, r.json) for r in clubmed.requests]
    profile = f"/v2/customers/{number}/profile"
    created = {
        "civility": "MR",
        "first_name": "Tom",
        "last_name": "Smith",
        "email": "tom@example.com",
    }
    changed = {"email": "smith@example.com", "birth_city": ""}
    assert wire == [
        ("POST", "/v1/customers", "", created),
        ("GET", profile, "", None),
        ("PATCH", f"/v1/customers/{number}/profile", "", changed),
        ("GET", profile, "", None),
    ]
    for request in clubmed.requests:
        assert {name: request.headers[name] for name in HEADERS} == HEADERS
        has_body = request.method in ("POST", "PATCH")
        assert (request.headers.get("Content-Type") == "application/json") is has_body


def test_the_scenarios_own_customer_reads_as_printed(clubmed, agent):
    profile = clubmed.customers["123456789"]

    assert profile["gm_number"] == "123456789"
    assert profile["phones"] == [{"number": "0623456789", "type": "MOBILE"}]
    assert profile["loyalty_program"] == {"status": "EXCLUDED", "points": 1200}
    page = agent.page("/customers/123456789/")
    assert page.select_one("#loyalty_points").dd.get_text(strip=True) == "1,200"
