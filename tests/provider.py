"""The local OpenID provider for tests, and a person's way through its sign-in."""

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests
from bs4 import BeautifulSoup, Tag

from crmadmin.demo import listening
from crmadmin.demo.provider import Provider, start

# Registered once, good for every port: a test's live server may listen on any.
HOSTS = ("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A running provider: `issuer`, `client_id`, `client_secret`."""
    with start(
        listening.listen("OIDC_PORT_OF_TESTS", 0),
        tmp_path_factory.mktemp("provider"),
        redirect_uris=tuple(f"http://{host}/oidc/callback/" for host in HOSTS),
        post_logout_redirect_uris=tuple(f"http://{host}/signed-out/" for host in HOSTS),
    ) as running:
        running.wait()
        yield running


def sign_in(person: str, authorization_url: str, session: requests.Session | None = None) -> str:
    """Choose `person` ("ines.moreau") on the sign-in page; returns where the browser is sent."""
    session = session or requests.Session()
    page = session.get(authorization_url)
    page.raise_for_status()
    form = BeautifulSoup(page.text, "html.parser").find("form")
    assert isinstance(form, Tag), "no choice of people on the page"
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input[name]")}
    answer = session.post(
        urljoin(page.url, str(form["action"])),
        data={**fields, "person": person},
        headers={"Origin": urljoin(page.url, "/").rstrip("/")},
        allow_redirects=False,
    )
    assert answer.status_code == 302, f"the provider answered {answer.status_code}"
    return answer.headers["Location"]
