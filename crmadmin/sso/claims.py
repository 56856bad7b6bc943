"""What the provider says of a person who signs in, checked, and who they are to us."""

import logging
from dataclasses import dataclass
from typing import Any

from authlib.integrations.base_client import OAuthError
from django.conf import settings
from django.http import HttpRequest

from crmadmin.sso.attempts import Attempt
from crmadmin.sso.provider import Provider, SignInError, check_sender, provider
from customers.access import Actor, Role

logger = logging.getLogger(__name__)
_LONGEST = 255  # characters of a name or a `sub`: what the log's columns hold


@dataclass(frozen=True)
class Answer:
    """What the provider says of a person.

    claims: of the id_token and, where groups are missing in it, of userinfo. token: the token
    endpoint's answer. groups_are_signed: do they stand in the id_token?
    """

    claims: dict[str, Any]
    token: dict[str, Any]
    groups_are_signed: bool


def redeem(request: HttpRequest, attempt: Attempt) -> Answer:
    """Redeem the code in a callback's address. Raises one of UNACCEPTABLE.

    attempt: the one that it answers.
    """
    client = provider()
    check_sender(client, request.GET.get("iss"))
    if error := request.GET.get("error"):
        raise OAuthError(error)
    token = client.fetch_access_token(
        redirect_uri=request.build_absolute_uri(request.path),
        code=request.GET["code"],
        code_verifier=attempt.verifier,
    )
    if "id_token" not in token:
        raise SignInError("no id_token")
    return _answer(client, client.claims_of(token, attempt.nonce), token)


def of_refreshed(token: dict[str, Any], actor: Actor, nonce: str) -> Answer:
    """What the provider says now (OpenID Connect Core, 12). Raises one of UNACCEPTABLE.

    token: the answer to a refresh token. nonce: of the sign-in; a new id_token need not hold it.
    """
    client = provider()
    claims = {"iss": actor.issuer, "sub": actor.sub}
    if "id_token" in token:
        claims = client.claims_of(token, nonce=None)
        if claims.get("nonce", nonce) != nonce:
            raise SignInError("the nonce is of another sign-in")
    return _answer(client, claims, token)


def _answer(client: Provider, claims: dict[str, Any], token: dict[str, Any]) -> Answer:
    """The claims, with those of the userinfo endpoint if the groups are missing."""
    are_signed = why_no_groups(claims) != "missing"
    if are_signed or "userinfo_endpoint" not in client.server_metadata:
        return Answer(claims, token, are_signed)
    more = client.userinfo(token=token)
    if more.get("sub") != claims["sub"]:
        raise SignInError("userinfo speaks of somebody else")
    return Answer({**more, **claims}, token, are_signed)


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


def log_missing_groups(claims: dict[str, Any], request_id: str) -> None:
    """Tell operations if the provider did not send this person's groups."""
    why = why_no_groups(claims)
    if why == "too many":
        logger.warning(
            "%s: no entry: the provider leaves out a person's groups, since they are too many, and "
            "refers to another place (_claim_names); let it send only this application's groups",
            request_id,
        )
    elif why == "missing":
        logger.warning("%s: no entry: no group came with the sign-in", request_id)


def login_of(claims: dict[str, Any]) -> str:
    """The person's user name or e-mail, by which two of one name can be told apart; else ""."""
    return _one_line(claims.get("preferred_username")) or _one_line(claims.get("email"))


def _one_line(text: object) -> str:
    """The text without control characters and halves of characters; "" if it is none."""
    if not isinstance(text, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST]
