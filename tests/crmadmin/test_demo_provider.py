"""The demo's OpenID provider over real HTTP: as strict as a company's."""

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from crmadmin.demo import listening
from crmadmin.demo.staff import STAFF
from tests.provider import sign_in

pytestmark = pytest.mark.once

CALLBACK = "http://127.0.0.1:51234/oidc/callback/"
VERIFIER = "a-verifier-that-is-long-enough-for-its-rules-1234"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().strip("=")


@pytest.fixture
def discovered(provider):
    return requests.get(f"{provider.issuer}/.well-known/openid-configuration").json()


@pytest.fixture
def ask(provider, discovered):
    """The address of a sign-in; a keyword changes a parameter, None leaves it out."""

    def authorization_url(**changes):
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


@pytest.fixture
def redeem(provider, discovered):
    """Trade the code of a callback address for tokens: the answer."""

    def post(callback, verifier=VERIFIER, secret=provider.client_secret):
        return requests.post(
            discovered["token_endpoint"],
            auth=(provider.client_id, secret),
            data={
                "grant_type": "authorization_code",
                "code": query(callback)["code"],
                "redirect_uri": CALLBACK,
                "code_verifier": verifier,
            },
        )

    return post


def query(url):
    return dict(parse_qsl(urlsplit(url).query))


def test_a_person_signs_in_and_the_token_says_who_and_in_which_groups(
    provider, discovered, ask, redeem
):
    person = STAFF[0]
    callback = sign_in(person.username, ask())
    assert callback.startswith(CALLBACK)
    assert (query(callback)["state"], query(callback)["iss"]) == ("a-state", provider.issuer)

    tokens = redeem(callback).json()
    keys = KeySet.import_key_set(requests.get(discovered["jwks_uri"]).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    about = {
        "sub": person.sub,
        "name": person.name,
        "preferred_username": person.username,
        "email": person.email,
        "groups": list(person.groups),
    }
    ours = {"iss": provider.issuer, "aud": provider.client_id, "nonce": "a-nonce"}
    assert claims.items() >= (about | ours).items()
    assert claims["auth_time"] <= claims["iat"] < claims["exp"]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(discovered["userinfo_endpoint"], headers=bearer).json() == about


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"verifier": None}, 400),
        ({"verifier": "another-verifier-that-is-long-enough-for-its-rules"}, 400),
        ({"secret": "another-secret"}, 401),
    ],
)
def test_a_code_serves_once_and_only_with_its_verifier_and_the_secret(ask, redeem, wrong, status):
    refused = redeem(sign_in("ines.moreau", ask()), **wrong)
    callback = sign_in("ines.moreau", ask())

    assert refused.status_code == status
    assert "id_token" not in refused.json()
    assert redeem(callback).status_code == 200
    assert redeem(callback).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"response_type": "token"},
        {"prompt": "none"},
    ],
    ids=["no PKCE", "implicit", "without a question"],
)
def test_a_request_that_is_not_allowed_is_sent_back_with_an_error(ask, changes):
    answer = requests.get(ask(**changes), allow_redirects=False)
    assert answer.headers["Location"].startswith(CALLBACK)
    assert query(answer.headers["Location"])["error"]


def test_a_challenge_in_plain_gets_no_code(ask):
    callback = sign_in("ines.moreau", ask(code_challenge=VERIFIER, code_challenge_method="plain"))
    assert query(callback)["error"] == "invalid_request"
    assert "code" not in query(callback)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:51234/elsewhere/"},
        {"redirect_uri": "https://example.com/oidc/callback/"},
        {"client_id": "somebody-else"},
    ],
)
def test_an_unregistered_address_is_never_redirected_to(ask, changes):
    answer = requests.get(ask(**changes), allow_redirects=False)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_nobody_outside_the_list_can_be_chosen_nor_by_a_forged_form(ask):
    forged = requests.post(ask(), data={"person": "sana.elidrissi"}, allow_redirects=False)
    assert forged.status_code == 403
    with pytest.raises(AssertionError, match="answered 200"):
        sign_in("nobody.known", ask())


@pytest.mark.parametrize(
    ("address", "status"),
    [("http://example.com/signed-out/", 400), ("http://127.0.0.1:51234/signed-out/", 302)],
)
def test_signing_out_leads_back_to_the_product_and_nowhere_else(
    discovered, ask, redeem, address, status
):
    tokens = redeem(sign_in("ines.moreau", ask())).json()
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": address}

    answer = requests.get(discovered["end_session_endpoint"], params=asked, allow_redirects=False)

    assert (answer.status_code, answer.headers.get("Location", address)) == (status, address)


@pytest.mark.parametrize("text", ["http", "-1", "65536"])
def test_a_port_that_is_none_is_told_in_one_sentence(monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(listening.PortError, match="PORT must be a port from 0 to 65535"):
        listening.listen("PORT", 8000)
