"""The company's OpenID provider, as far as its discovery document describes what we accept."""

from functools import cache

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings
from joserfc.errors import JoseError

_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_SCOPES = ("openid", "profile", "email", "groups")  # those that the provider knows are asked for
_SECONDS = 5  # for each call to the provider


class SignInError(Exception):
    """The provider's answer cannot be accepted. The text says why, for the log."""


# Authlib trusts the shape of what it is sent: an odd one ends in one of these.
_ODD = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)
UNACCEPTABLE = (requests.RequestException, AuthlibBaseError, JoseError, SignInError, *_ODD)


@cache
def _client(issuer: str, client_id: str, client_secret: str) -> DjangoOAuth2App:
    return OAuth().register(
        name="sso",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"code_challenge_method": "S256", "default_timeout": _SECONDS},
    )


def provider() -> DjangoOAuth2App:
    """Authlib's client; reads discovery at the first use. Raises one of UNACCEPTABLE."""
    client = _client(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
    metadata = client.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
        raise SignInError("discovery names another issuer")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    accepted = [name for name in offered if name in _SIGNATURES]
    if not accepted:  # Authlib takes an empty list for its own choice, shared secrets among it
        raise SignInError("discovery offers no signature that we accept")
    metadata["id_token_signing_alg_values_supported"] = accepted
    known = metadata.get("scopes_supported") or _SCOPES
    # A person's own token for Club Med is renewed.
    scopes = (*_SCOPES, "offline_access") if settings.CLUBMED_AUTH == "employee" else _SCOPES
    client.client_kwargs["scope"] = " ".join(name for name in scopes if name in known)
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if "client_secret_basic" not in methods and "client_secret_post" in methods:
        client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105
    return client


# Has the next `provider()` read discovery and keys anew: they may have been put right.
read_again = _client.cache_clear
