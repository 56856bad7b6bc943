"""An OpenID provider that takes any code, and answers as wrongly as a test tells it to."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

DISCOVERY = "/.well-known/openid-configuration"
KEYS, TOKEN, USERINFO = "/keys", "/token", "/userinfo"
AUTHORIZE, END_SESSION = "/authorize", "/end-session"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
CLIENT_ID, CLIENT_SECRET = "crmadmin", "a-secret-between-the-two"
CODE, ACCESS_TOKEN = "a-code-of-the-provider", "an-access-token-of-the-provider"
PERSON = {
    "sub": "staff-2001",
    "name": "Maud Okonkwo",
    "email": "maud.okonkwo@example.com",
    "groups": ["crm-agents"],
}
_NOW = int(time.time())
# Each makes a logout token a bad one.
BAD_LOGOUTS = [
    *({name: None} for name in ("iss", "aud", "iat", "exp", "jti", "sub", "events")),
    {"iss": "https://id.example.com"},
    {"aud": "another-client"},
    {"aud": ["another-client"]},
    {"iat": _NOW + 3600},
    {"iat": _NOW - 3600},
    {"iat": "now"},
    {"exp": _NOW - 60},
    {"exp": "soon"},
    {"jti": 7},
    {"jti": ""},
    {"sub": 7},
    {"sub": None, "sid": ""},
    {"sid": ["one"]},
    {"events": {"http://schemas.openid.net/event/other": {}}},
    {"events": [LOGOUT]},
    {"events": {LOGOUT: True}},
    {"nonce": "a-nonce"},
]


@cache
def key(name):
    """A key pair; the same one each time for a name."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


def public(key, **members):
    """A key as it is published; a None leaves a member out."""
    return _over(key.as_dict(private=False), members)


def shared(secret):
    """A secret as a provider without sense would publish it."""
    return {"kty": "oct", "kid": "first", "k": _base64(secret)}


@dataclass(frozen=True)
class Asked:
    """A request as it came. form: the fields of its address and its body."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


class HostileProvider:
    """Honest until told otherwise.

    discovery, claims, token, userinfo: laid over the honest answer; a None leaves a member out.
    keys: what is published. sign: claims -> id_token. answers: path -> (status, body) in place of
    its own answer; the body is sent as it is if it is bytes, else as JSON. silent: paths that are
    never answered. dripping: paths that are answered a byte at a time, without an end. moved: path
    -> where a redirect leads. nonce: of the sign-in under way. issued: every id_token that it gave
    out. refresh: the refresh token that is good now, new each time; "" where there is none.
    no: what it says to a refresh token and to `prompt=none`, "" as long as the person may go on.
    """

    def __init__(self):
        self.discovery, self.claims, self.token, self.userinfo = {}, {}, {}, {}
        self.keys = [public(key("first"))]
        self.sign = signed_with(key("first"))
        self.answers = {}
        self.silent, self.dripping, self.moved = set(), set(), {}
        self.nonce, self.refresh, self.no = "", "", ""
        self.issued = []
        self.requests = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self.go_down()

    def go_down(self):
        """From now on nobody listens."""
        if not self.closing.is_set():
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def asked(self, path):
        return [request for request in self.requests if request.path == path]

    def answer(self, asked):
        """(status, content) of an answer; bytes, JSON, or where a redirect leads."""
        if asked.path in self.moved:
            return 302, self.moved[asked.path]
        if asked.path in self.answers:
            return self.answers[asked.path]
        honest = {
            DISCOVERY: lambda _: (200, self._discovery()),
            KEYS: lambda _: (200, {"keys": self.keys}),
            TOKEN: self._token,
            USERINFO: lambda _: (200, _over(PERSON, self.userinfo)),
            AUTHORIZE: self._authorize,
            END_SESSION: self._end_session,
        }
        return honest[asked.path](asked.form) if asked.path in honest else (404, {})

    def logout_token(self, **claims):
        """What it sends when a session of the person has ended; a None leaves a claim out."""
        now = int(time.time())
        honest = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120}
        honest |= {"jti": secrets.token_hex(8), "sub": PERSON["sub"], "events": {LOGOUT: {}}}
        return self.sign(_over(honest, claims))

    def _authorize(self, asked):
        """Somebody is signed in here, and nobody is asked anything."""
        self.nonce = asked["nonce"]
        is_no = asked.get("prompt") == "none" and self.no
        told = {"state": asked["state"]} | ({"error": self.no} if is_no else {"code": CODE})
        return 302, f"{asked['redirect_uri']}?{urlencode(told)}"

    def _end_session(self, asked):
        told = {"state": asked["state"]} if "state" in asked else {}
        return 302, f"{asked['post_logout_redirect_uri']}?{urlencode(told)}"

    def _token(self, asked):
        if asked.get("grant_type") == "refresh_token":
            if self.no or asked["refresh_token"] != self.refresh:
                return 400, {"error": self.no or "invalid_grant"}
            self.nonce = None
        if self.refresh:
            self.refresh = f"refresh-{secrets.token_hex(8)}"
        return 200, self._tokens()

    def _discovery(self):
        honest = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}{TOKEN}",
            "userinfo_endpoint": f"{self.issuer}{USERINFO}",
            "jwks_uri": f"{self.issuer}{KEYS}",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return _over(honest, self.discovery)

    def _tokens(self):
        now = int(time.time())
        honest = PERSON | {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
        }
        self.issued.append(self.sign(_over(honest, self.claims)))
        tokens = {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.issued[-1],
            "refresh_token": self.refresh or None,
        }
        return _over(tokens, self.token)


def signed_with(key, **header):
    """A way to sign as a provider does. Claims that are bytes are signed as they are."""
    header = {"alg": "RS256", "kid": key.kid} | header
    return lambda claims: jws.serialize_compact(header, _text(claims), key)


def hashed_with(secret):
    """A way to sign with a secret of both, or with what a forger takes for one."""

    def sign(claims):
        text = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(claims)}"
        return f"{text}.{_base64(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    return sign


def unsigned(claims):
    return f"{_part({'alg': 'none', 'kid': 'first'})}.{_part(claims)}."


def _part(content):
    return _base64(_text(content))


def _text(content):
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def _base64(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _over(honest, told):
    return {name: value for name, value in (honest | told).items() if value is not None}


def _handler(provider):
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True  # head and body go out as two writes

        def do_GET(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            asked = Asked(path, dict(self.headers), dict(parse_qsl(f"{query}&{body}")))
            provider.requests.append(asked)
            if path in provider.silent:
                provider.closing.wait()
                return
            if path in provider.dripping:
                self.drip()
                return
            status, content = provider.answer(asked)
            sent = b"" if status == 302 else _text(content)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET

        def drip(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with suppress(OSError):
                while not provider.closing.wait(0.02):
                    self.wfile.write(b" ")

        def log_message(self, *args):
            pass

    return Handler
