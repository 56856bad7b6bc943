"""The company's OpenID provider, as far as its discovery document describes what we accept."""

import re
import time
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth, OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from customers.services.bounds import BoundedSession

_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_SCOPES = ("openid", "profile", "email", "groups")  # those that the provider knows are asked for
_AGE = 300  # seconds until discovery and keys are read again: a withdrawn key is good for no longer
LEEWAY = 30  # seconds that the provider's clock may differ from ours
_CLAIMS = ("iss", "aud", "sub", "exp")  # of which no id_token lacks one
_REST = 10  # seconds between two readings that strangers can ask for
# Members of discovery that are read, and their types. All but the first row may be missing.
_NEEDED = dict.fromkeys(("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"), str)
_MEMBERS = _NEEDED | {
    "userinfo_endpoint": str,
    "end_session_endpoint": str,
    "id_token_signing_alg_values_supported": list,
    "token_endpoint_auth_methods_supported": list,
    "scopes_supported": list,
    "claims_supported": list,
    "authorization_response_iss_parameter_supported": bool,
}


class SignInError(Exception):
    """The provider's answer cannot be accepted. The text says why, for the log."""


class UsedUpError(SignInError):
    """No answer came to a refresh token that was sent: it may be good no longer."""


# Authlib trusts the shape of what it is sent: an odd one ends in one of these.
_ODD = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)
UNACCEPTABLE = (requests.RequestException, AuthlibBaseError, JoseError, SignInError, *_ODD)


def cause_of(exc: Exception) -> str:
    """Why an answer was not accepted, for the log: nothing of its text, but its code."""
    if isinstance(exc, SignInError):
        return str(exc)
    code = exc.error if isinstance(exc, OAuthError) else getattr(exc, "claim", "")
    is_code = isinstance(code, str) and re.fullmatch("[a-z_]{1,40}", code)
    return f"{type(exc).__name__} {code}" if is_code else type(exc).__name__


class _Session(BoundedSession, OAuth2Session):  # type: ignore[misc]  # the library has no types
    """Authlib's calls of the provider, each within its deadline."""


class _Registry(JWSRegistry):
    """Room for a token that names thousands of groups."""

    max_header_length = 16 * 1024
    max_payload_length = 1024 * 1024


class Provider(DjangoOAuth2App):  # type: ignore[misc]  # the library has no types
    """Authlib's client, with answers that are bounded and keys that are read again."""

    client_cls = _Session

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.since, self.good_for = time.time(), _AGE
        self._looked_for_a_key = 0.0

    def load_server_metadata(self) -> dict[str, Any]:
        """Discovery, read and checked at the first use. Raises one of UNACCEPTABLE."""
        if not self.server_metadata:
            with self._get_session() as session:
                answer = session.request("GET", self._server_metadata_url, withhold_token=True)
                answer.raise_for_status()
            metadata = _metadata_of(answer.json())
            self._ask_as_offered(metadata)
            self.server_metadata: dict[str, Any] = metadata
        return self.server_metadata

    def _ask_as_offered(self, metadata: dict[str, Any]) -> None:
        """Ask for scopes that the provider knows, and name ourselves in a way that it takes."""
        offer = metadata.get("scopes_supported") or _SCOPES
        # A person's own token for Club Med is renewed.
        scopes = (*_SCOPES, "offline_access") if settings.CLUBMED_AUTH == "employee" else _SCOPES
        self.client_kwargs["scope"] = " ".join(name for name in scopes if name in offer)
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            self.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105

    def fetch_jwk_set(self, force: bool = False) -> Any:
        """The provider's keys. force: a token names an unknown one, which strangers can do."""
        if force and _is_recent(self._looked_for_a_key, _REST):
            force = False
        elif force:
            self._looked_for_a_key = time.time()
        return super().fetch_jwk_set(force)

    def verified(self, token: Any) -> jwt.Token:
        """Header and claims of a token that the provider has signed. Raises one of UNACCEPTABLE."""
        algorithms = self.server_metadata["id_token_signing_alg_values_supported"]
        registry = _Registry(algorithms=algorithms, strict_check_header=False)
        try:
            keys = _readable(self.fetch_jwk_set())
            return jwt.decode(token, keys, registry=registry)
        except InvalidKeyIdError:
            keys = _readable(self.fetch_jwk_set(force=True))
            return jwt.decode(token, keys, registry=registry)

    def refreshed(self, refresh_token: str) -> dict[str, Any]:
        """The token endpoint's answer to a refresh token, with the next one if there is one.

        Raises one of UNACCEPTABLE.
        """
        with self._get_oauth_client(**self.server_metadata) as session:
            url = self.server_metadata["token_endpoint"]
            # The scope is that of the sign-in, of which the provider may have granted less.
            try:
                return dict(session.refresh_token(url, refresh_token, scope=""))
            except requests.HTTPError:  # an answer
                raise
            except requests.RequestException as exc:
                if session.was_sent:
                    raise UsedUpError(type(exc).__name__) from exc
                raise

    def claims_of(self, token: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        """The checked claims of the id_token in a token endpoint's answer.

        Raises one of UNACCEPTABLE.
        """
        wanted: dict[str, Any] = {name: {"essential": True} for name in _CLAIMS}
        wanted["iss"]["values"] = [self.server_metadata["issuer"]]
        wanted["aud"]["values"] = [self.client_id]
        jwt = self.verified(token["id_token"])
        extra = {"nonce": nonce, "client_id": self.client_id, "access_token": token["access_token"]}
        claims = CodeIDToken(jwt.claims, jwt.header, wanted, extra)
        claims.validate(leeway=LEEWAY)
        return dict(claims)


def _metadata_of(document: Any) -> dict[str, Any]:
    """The _MEMBERS of a discovery document; one that is null is missing. Raises SignInError."""
    if not isinstance(document, dict):
        raise SignInError("discovery is no object")
    metadata = {name: document[name] for name in _MEMBERS if document.get(name) is not None}
    for name in metadata | _NEEDED:
        if not isinstance(metadata.get(name), _MEMBERS[name]):
            raise SignInError(f"discovery: {name} is missing or of another type")
    if metadata["issuer"] != settings.OIDC_ISSUER:
        raise SignInError("discovery names another issuer than OIDC_ISSUER")
    algorithms = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    signatures = [name for name in algorithms if name in _SIGNATURES]
    if not signatures:  # Authlib takes an empty list for its own choice, shared secrets among it
        raise SignInError("discovery offers no signature that we accept")
    return metadata | {"id_token_signing_alg_values_supported": signatures}


def _readable(keys: Any) -> KeySet:
    """The published keys; one that cannot be read spoils no other (RFC 7517, 5)."""
    readable: list[Any] = []
    for key in keys["keys"]:
        with suppress(JoseError, *_ODD):
            readable += KeySet.import_key_set({"keys": [key]}).keys
    return KeySet(readable)


def _is_recent(moment: float, seconds: float) -> bool:
    """Is it less than these seconds ago? Not if the clock was put back since."""
    return 0 <= time.time() - moment < seconds


@cache
def _client(issuer: str, client_id: str, client_secret: str) -> Provider:
    client: Provider = OAuth().register(
        name="sso",
        client_cls=Provider,
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"code_challenge_method": "S256", "default_timeout": BoundedSession.seconds},
    )
    return client


def _account() -> tuple[str, str, str]:
    return settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET


def read_again() -> None:
    """Have `provider()` read discovery and keys again; strangers can cause that, so at most every
    _REST seconds.
    """
    _client(*_account()).good_for = _REST


def provider() -> Provider:
    """The client; reads discovery at the first use and then by its age. One of UNACCEPTABLE."""
    client = _client(*_account())
    if not _is_recent(client.since, client.good_for):
        _client.cache_clear()
        client = _client(*_account())
    client.load_server_metadata()
    return client


def end_session_origin() -> str:
    """The origin of the address where the provider ends its own session; "" if it has none."""
    address = urlsplit(provider().server_metadata.get("end_session_endpoint", ""))
    return f"{address.scheme}://{address.netloc}" if address.scheme in ("http", "https") else ""


def check_sender(client: Provider, issuer: str | None) -> None:
    """RFC 9207: is the answer in a callback's address, `issuer` its `iss`, this provider's? Raises
    SignInError.
    """
    names_itself = client.server_metadata.get("authorization_response_iss_parameter_supported")
    if issuer != client.server_metadata["issuer"] and (names_itself or issuer is not None):
        raise SignInError("the callback does not name its issuer as discovery does")
