"""A browser that signs in: with the real provider, or with one that lies."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from crmadmin.demo.staff import STAFF
from crmadmin.sso.sessions import actor_of
from tests import hostile_provider as hostile
from tests.conftest import Desk, soup, text
from tests.provider import sign_in

PRIVATE = {
    hostile.CODE,
    hostile.ACCESS_TOKEN,
    hostile.CLIENT_SECRET,
    *(str(claim) for claim in hostile.PERSON.values()),
    *(person.sub for person in STAFF),
    *(person.name for person in STAFF),
    *(person.username for person in STAFF),
}


class Browser(Desk):
    """A browser at the address that the provider knows; `private` is what went through it."""

    def __init__(self):
        super().__init__(SERVER_NAME="127.0.0.1")
        self.private = set()

    @property
    def actor(self):
        """Who is signed in here, or None."""
        return actor_of(self.session)

    def to_provider(self, path=None):
        """The address that the sign-in sends the browser to."""
        answer = self.get("/oidc/login/", {} if path is None else {"next": path})
        assert answer.status_code == 302, text(soup(answer))
        asked = query(answer["Location"])
        self.private |= {asked["state"], asked["nonce"], asked["code_challenge"]}
        return answer["Location"]

    def come_back(self, callback):
        asked = query(callback)
        self.private |= {asked[name] for name in ("code", "state") if asked.get(name)}
        return self.get(callback)

    def come_in(self, username, path=None):
        """A whole sign-in with the real provider."""
        return self.come_back(sign_in(username, self.to_provider(path)))

    def come_in_by(self, provider, path=None):
        """A whole sign-in with a hostile provider, which asks nobody anything."""
        asked = query(self.to_provider(path))
        provider.nonce = asked["nonce"]
        return self.come_back(callback(code=hostile.CODE, state=asked["state"]))


def query(url):
    return dict(parse_qsl(urlsplit(url).query))


def callback(**answer):
    return f"/oidc/callback/?{urlencode(answer)}"


def trust(provider, settings):
    settings.OIDC_ISSUER = provider.issuer
    settings.OIDC_CLIENT_ID = hostile.CLIENT_ID
    settings.OIDC_CLIENT_SECRET = hostile.CLIENT_SECRET
