"""The demo's OpenID provider over real HTTP: as strict as a company's."""

import base64
import hashlib
import secrets
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup
from joserfc import jwt
from joserfc.jwk import KeySet

from crmadmin.demo import listening
from crmadmin.demo.provider import Provider
from crmadmin.demo.staff import STAFF, Person
from tests.provider import sign_in

CALLBACK = "http://127.0.0.1:51234/oidc/callback/"
VERIFIER = "a-verifier-that-is-long-enough-for-its-rules-1234"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().strip("=")

Ask = Callable[..., str]


@pytest.fixture
def discovered(provider: Provider) -> dict[str, Any]:
    answer = requests.get(f"{provider.issuer}/.well-known/openid-configuration")
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def ask(provider: Provider, discovered: dict[str, Any]) -> Ask:
    """The address of a sign-in; a keyword changes a parameter, None leaves it out."""

    def authorization_url(**changes: str | None) -> str:
        parameters = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email groups",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        query = urlencode({name: text for name, text in parameters.items() if text is not None})
        return f"{discovered['authorization_endpoint']}?{query}"

    return authorization_url


def redeem(
    provider: Provider, discovered: dict[str, Any], callback: str, verifier: str | None = VERIFIER
) -> requests.Response:
    """Trade the code of a callback address for tokens."""
    return requests.post(
        discovered["token_endpoint"],
        auth=(provider.client_id, provider.client_secret),
        data={
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(callback).query)["code"][0],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        },
    )


def claims_of(discovered: dict[str, Any], id_token: str) -> dict[str, Any]:
    """The claims, once the signature has been verified with the published keys."""
    keys = KeySet.import_key_set(requests.get(discovered["jwks_uri"]).json())
    return jwt.decode(id_token, keys, algorithms=["RS256"]).claims


def test_discovery_names_the_issuer_and_what_it_demands(
    provider: Provider, discovered: dict[str, Any]
) -> None:
    assert discovered["issuer"] == provider.issuer
    assert discovered["response_types_supported"] == ["code"]
    assert discovered["code_challenge_methods_supported"] == ["S256"]
    assert discovered["end_session_endpoint"] == f"{provider.issuer}/logout/"
    assert {"openid", "profile", "email", "groups"} <= set(discovered["scopes_supported"])


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.username)
def test_a_person_signs_in_and_the_token_says_who_and_in_which_groups(
    provider: Provider, discovered: dict[str, Any], ask: Ask, person: Person
) -> None:
    callback = sign_in(person.username, ask())
    assert callback.startswith(CALLBACK)
    returned = dict(parse_qsl(urlsplit(callback).query))
    assert (returned["state"], returned["iss"]) == ("a-state", provider.issuer)

    tokens = redeem(provider, discovered, callback).json()
    claims = claims_of(discovered, tokens["id_token"])
    about = {
        "sub": person.sub,
        "name": person.name,
        "preferred_username": person.username,
        "email": person.email,
        "groups": list(person.groups),
    }
    assert claims.items() >= about.items()
    assert claims["iss"] == provider.issuer
    assert claims["aud"] == provider.client_id
    assert claims["nonce"] == "a-nonce"
    assert claims["auth_time"] <= claims["iat"] < claims["exp"]

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(discovered["userinfo_endpoint"], headers=bearer).json() == about


def test_the_sign_in_page_is_a_plain_form_that_names_everybody(ask: Ask) -> None:
    page = BeautifulSoup(requests.get(ask()).text, "html.parser")
    names = [button.get_text(" ", strip=True) for button in page.select("form[method=post] button")]
    assert names == [f"{person.name} {person.role}" for person in STAFF]
    assert not page.select("script, input[type=password]")


def test_each_sign_in_asks_who_you_are(ask: Ask) -> None:
    browser = requests.Session()
    sign_in("ines.moreau", ask(), browser)
    assert "code=" in sign_in("sana.elidrissi", ask(), browser)
    assert "code=" in sign_in("sana.elidrissi", ask(prompt="login", max_age="0"), browser)


def test_without_a_question_nobody_is_signed_in(ask: Ask) -> None:
    answer = requests.get(ask(prompt="none"), allow_redirects=False)
    returned = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert (returned["error"], returned["state"]) == ("login_required", "a-state")


@pytest.mark.parametrize("verifier", [None, "another-verifier-that-is-long-enough-for-its-rules"])
def test_a_wrong_or_missing_verifier_gets_no_token(
    provider: Provider, discovered: dict[str, Any], ask: Ask, verifier: str | None
) -> None:
    answer = redeem(provider, discovered, sign_in("ines.moreau", ask()), verifier)
    assert answer.status_code == 400
    assert "id_token" not in answer.json()


def test_a_code_serves_once(provider: Provider, discovered: dict[str, Any], ask: Ask) -> None:
    callback = sign_in("ines.moreau", ask())
    assert redeem(provider, discovered, callback).status_code == 200
    assert redeem(provider, discovered, callback).status_code == 400


def test_a_client_without_its_secret_gets_no_token(
    provider: Provider, discovered: dict[str, Any], ask: Ask
) -> None:
    answer = requests.post(
        discovered["token_endpoint"],
        auth=(provider.client_id, secrets.token_urlsafe(32)),
        data={
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(sign_in("ines.moreau", ask())).query)["code"][0],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"response_type": "token"},
    ],
    ids=["no PKCE", "implicit"],
)
def test_a_weaker_flow_is_refused_before_anybody_is_asked(
    ask: Ask, changes: dict[str, str | None]
) -> None:
    answer = requests.get(ask(**changes), allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(CALLBACK)
    assert "error=" in answer.headers["Location"]


@pytest.mark.parametrize(
    "method", ["plain", None], ids=["plain PKCE", "the default, which is plain"]
)
def test_a_challenge_in_plain_gets_no_code(ask: Ask, method: str | None) -> None:
    callback = sign_in("ines.moreau", ask(code_challenge=VERIFIER, code_challenge_method=method))
    returned = dict(parse_qsl(urlsplit(callback).query))
    assert returned["error"] == "invalid_request"
    assert "code" not in returned


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:51234/elsewhere/"},
        {"redirect_uri": "https://example.com/oidc/callback/"},
        {"client_id": "somebody-else"},
    ],
    ids=["another path", "another host", "another client"],
)
def test_an_unregistered_address_is_never_redirected_to(
    ask: Ask, changes: dict[str, str | None]
) -> None:
    answer = requests.get(ask(**changes), allow_redirects=False)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_forged_choice_is_refused(ask: Ask) -> None:
    answer = requests.post(ask(), data={"person": "sana.elidrissi"}, allow_redirects=False)
    assert answer.status_code == 403


def test_nobody_outside_the_list_can_be_chosen(ask: Ask) -> None:
    with pytest.raises(AssertionError, match="answered 200"):
        sign_in("nobody.known", ask())


def test_signing_out_leads_back_to_the_product_and_nowhere_else(
    provider: Provider, discovered: dict[str, Any], ask: Ask
) -> None:
    tokens = redeem(provider, discovered, sign_in("ines.moreau", ask())).json()

    def sign_out(address: str) -> requests.Response:
        asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": address}
        return requests.get(discovered["end_session_endpoint"], params=asked, allow_redirects=False)

    assert sign_out("http://example.com/signed-out/").status_code == 400
    back = "http://127.0.0.1:51234/signed-out/"
    assert sign_out(back).headers["Location"] == back


def test_a_taken_port_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("OIDC_PORT", str(port))
        with pytest.raises(listening.PortError) as refusal:
            listening.listen("OIDC_PORT", 8002)
    assert str(refusal.value) == (
        f"Port {port} is taken: set OIDC_PORT to another one, or to 0 for any free one."
    )


@pytest.mark.parametrize("text", ["http", "-1", "65536"])
def test_a_port_that_is_none_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(listening.PortError, match="PORT must be a port from 0 to 65535"):
        listening.listen("PORT", 8000)
