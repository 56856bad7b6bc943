"""What the provider says of a person who signs in, checked, and who they are to us."""

from typing import Any

from authlib.integrations.base_client import OAuthError
from django.conf import settings
from django.http import HttpRequest

from crmadmin.sso.attempts import Attempt
from crmadmin.sso.provider import SignInError, check_sender, provider
from customers.access import Actor, Role

_LEEWAY = 30  # seconds that the provider's clock may differ from ours
_LONGEST = 255  # characters of a name or a `sub`: what the log's columns hold


def redeem(request: HttpRequest, attempt: Attempt) -> tuple[dict[str, Any], dict[str, Any]]:
    """Redeem the code in a callback's address: the claims, and the answer of the token endpoint.

    attempt: the one that it answers.

    Groups that the id_token lacks come from the userinfo endpoint. Raises one of UNACCEPTABLE.
    """
    client = provider()
    check_sender(client, request.GET.get("iss"))
    if error := request.GET.get("error"):
        raise OAuthError(error)
    wanted: dict[str, Any] = {name: {"essential": True} for name in ("iss", "aud", "sub", "exp")}
    wanted["iss"]["values"] = [client.server_metadata["issuer"]]
    wanted["aud"]["values"] = [settings.OIDC_CLIENT_ID]
    token = client.fetch_access_token(
        redirect_uri=request.build_absolute_uri(request.path),
        code=request.GET["code"],
        code_verifier=attempt.verifier,
    )
    told = client.parse_id_token(token, attempt.nonce, claims_options=wanted, leeway=_LEEWAY)
    if told is None:
        raise SignInError("no id_token")
    claims = dict(told)
    if why_no_groups(claims) == "missing" and "userinfo_endpoint" in client.server_metadata:
        more = client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise SignInError("userinfo speaks of somebody else")
        claims = {**more, **claims}
    return claims, token


def actor_from(claims: dict[str, Any]) -> Actor:
    """The person that the claims speak of; with no group of ours, without a role. SignInError."""
    groups = claims.get(settings.OIDC_GROUPS_CLAIM) or []
    groups = [groups] if isinstance(groups, str) else groups
    if not isinstance(groups, list):
        raise SignInError("the groups claim is no list")
    groups = [group for group in groups if isinstance(group, str)]
    sub = claims["sub"]
    if sub != _one_line(sub):  # a person is recorded under exactly this, or not at all
        raise SignInError("the sub cannot be recorded as it is")
    names = (_one_line(claims.get(key)) for key in ("name", "preferred_username", "email", "sub"))
    members = {
        Role.SUPERVISOR: settings.SUPERVISOR_GROUPS,
        Role.AGENT: settings.AGENT_GROUPS,
        Role.AUDITOR: settings.AUDITOR_GROUPS,
    }
    return Actor(
        issuer=claims["iss"],
        sub=sub,
        name=next(filter(None, names)),
        roles=tuple(role for role, names in members.items() if not names.isdisjoint(groups)),
        reveals=not settings.REVEAL_GROUPS.isdisjoint(groups),
    )


def why_no_groups(claims: dict[str, Any]) -> str:
    """Why no group came with the sign-in: "too many", "missing", or "" if some did.

    "too many": the provider leaves them out and names a place where they stand instead, as
    Microsoft Entra does with more than 200 groups of a person (OpenID Connect Core, 5.6.2).
    """
    if settings.OIDC_GROUPS_CLAIM in claims:
        return ""
    elsewhere = claims.get("_claim_names")
    is_elsewhere = isinstance(elsewhere, dict) and settings.OIDC_GROUPS_CLAIM in elsewhere
    return "too many" if is_elsewhere else "missing"


def login_of(claims: dict[str, Any]) -> str:
    """The person's user name or e-mail, by which two of one name can be told apart; else ""."""
    return _one_line(claims.get("preferred_username")) or _one_line(claims.get("email"))


def _one_line(text: object) -> str:
    """The text without control characters and halves of characters; "" if it is none."""
    if not isinstance(text, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST]
