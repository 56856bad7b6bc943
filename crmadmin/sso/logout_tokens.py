"""What the provider says when it has ended a session (OpenID Connect Back-Channel Logout 1.0)."""

import time
from dataclasses import dataclass
from typing import Any

from joserfc.jwt import JWTClaimsRegistry

from crmadmin.sso.provider import LEEWAY, SignInError, provider

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = ("logout+jwt", "application/logout+jwt", "jwt")  # or none: not every provider names it
OLDEST = 10 * 60  # seconds since it was issued


@dataclass(frozen=True)
class LogoutToken:
    """sub: whose sessions end. sid: which one of the provider's. One of both may be "".

    jti: the token's own identifier; good once.
    """

    issuer: str
    jti: str
    sub: str
    sid: str


def read(token: str) -> LogoutToken:
    """Check a logout token. Raises one of UNACCEPTABLE."""
    client = provider()
    jwt = client.verified(token)
    if str(jwt.header.get("typ", _TYPES[0])).lower() not in _TYPES:
        raise SignInError("the token is of another type")
    claims: dict[str, Any] = jwt.claims
    issuer = client.server_metadata["issuer"]
    JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client.client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    ).validate(claims)
    if claims["iat"] < time.time() - OLDEST:
        raise SignInError("the logout token is too old")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_EVENT), dict):
        raise SignInError("the token is no logout token")
    if "nonce" in claims:
        raise SignInError("a logout token has no nonce")
    sub, sid = claims.get("sub", ""), claims.get("sid", "")
    if not isinstance(sub, str) or not isinstance(sid, str) or not (sub or sid):
        raise SignInError("the logout token does not say whose session ended")
    return LogoutToken(issuer, claims["jti"], sub, sid)
