"""What a browser loads, as sent: compressed, and what never changes only once. `make compiled` ran
before the tests.
"""

import gzip
import re
from contextlib import closing

import pytest

from customers.templatetags import desk
from tests import differences
from tests.conftest import HTMX, TOM, forget_templates

pytestmark = pytest.mark.once
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}
PROFILE = f"/customers/{TOM}/"
IN_PLACE = HTMX | BROWSER | {"HX-Current-URL": PROFILE}
kB = 1000


@pytest.fixture(autouse=True)
def addresses_as_of_now():
    """The address of the icons is worked out once in a process."""
    desk._sprite.cache_clear()
    yield
    desk._sprite.cache_clear()


@pytest.fixture
def full(clubmed, agent):
    """Nearly every field has a value, and more has happened than the timeline has room for."""
    clubmed.customers[TOM] = clubmed.customers["704118236"] | {"id": TOM}
    differences.record()


def weight(answer):
    """Bytes as sent. The end of an answer is that of its database connection: ask nothing after."""
    with closing(answer):
        return sum(map(len, answer))


def unpacked(answer):
    return gzip.decompress(answer.content).decode()


def files_of(agent):
    page = agent.get(PROFILE).content.decode()
    return set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))


@pytest.mark.usefixtures("full")
def test_a_profile_weighs_140_kB_at_the_first_visit_and_30_kB_after(agent):
    files, page = files_of(agent), agent.get(PROFILE, headers=BROWSER)
    assert len(re.findall("<li", unpacked(page).partition('id="timeline"')[2])) >= 8
    answers = [page, *(agent.get(url, headers=BROWSER) for url in files)]

    assert [answer.status_code for answer in answers] == [200] * 8
    weights = list(map(weight, answers))
    assert weights[0] <= 30 * kB
    assert sum(weights) <= 140 * kB


def test_a_file_is_named_by_its_content_and_stays_with_the_browser(agent):
    for url in files_of(agent):
        answer = agent.head(url, headers=BROWSER)
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", url)
        assert "immutable" in answer["Cache-Control"]
        assert answer["Content-Encoding"] == "br"


@pytest.mark.usefixtures("full")
def test_an_edit_weighs_4_kB_each_way(agent):
    """Club Med makes another text of what is sent, so all that shows the name comes twice."""
    url = f"{PROFILE}fields/first_name/"
    agent.get(PROFILE)
    form = agent.form(url) | {"value": "Zoé"}

    opened = agent.get(url, headers=IN_PLACE)
    saved = agent.post(url, form, headers=IN_PLACE)
    [confirm] = re.findall(r'hx-get="([^"]+/changes/[^"]+)"', unpacked(saved))
    confirmed = agent.get(confirm, headers=IN_PLACE)

    assert "Recent changes" in unpacked(confirmed)
    assert {one["Content-Encoding"] for one in (opened, saved, confirmed)} == {"gzip"}
    assert max(*map(weight, (opened, saved, confirmed)), len(saved.wsgi_request.body)) <= 4 * kB


def test_a_clone_where_nobody_collected_serves_its_files_as_they_are(settings, tmp_path, agent):
    settings.STATIC_ROOT = tmp_path
    forget_templates()

    assert {agent.head(url).status_code for url in files_of(agent)} == {200}
    assert "/static/app.css" in files_of(agent)
    forget_templates()


def test_a_browser_that_takes_no_compression_gets_none(agent):
    assert "Content-Encoding" not in agent.get(PROFILE)
