"""What a browser loads, as sent: compressed, and what never changes only once."""

import re
from contextlib import closing

import pytest
from django.core.management import call_command
from django.test import override_settings

from customers.templatetags import desk
from tests.conftest import HTMX, TOM

pytestmark = pytest.mark.once
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}
PROFILE = f"/customers/{TOM}/"
kB = 1000


@pytest.fixture(autouse=True)
def addresses_as_of_now():
    """The address of the icons is worked out once in a process."""
    desk._sprite.cache_clear()
    yield
    desk._sprite.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collected")
    with override_settings(STATIC_ROOT=folder):
        call_command("collectstatic", interactive=False, verbosity=0)
    return folder


@pytest.fixture
def collected(settings, folder):
    settings.STATIC_ROOT = folder


def weight(answer):
    with closing(answer):
        return sum(map(len, answer))


def files_of(agent):
    page = agent.get(PROFILE).content.decode()
    return set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))


def test_a_profile_weighs_140_kB_at_the_first_visit_and_30_kB_after(collected, agent):
    page = weight(agent.get(PROFILE, headers=BROWSER))
    files = files_of(agent)

    assert page <= 30 * kB
    assert len(files) >= 5
    assert page + sum(weight(agent.get(url, headers=BROWSER)) for url in files) <= 140 * kB


def test_a_file_is_named_by_its_content_and_stays_with_the_browser(collected, agent):
    for url in files_of(agent):
        answer = agent.head(url, headers=BROWSER)
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", url)
        assert "immutable" in answer["Cache-Control"]
        assert answer["Content-Encoding"] == "br"


def test_an_edit_weighs_4_kB_each_way(agent):
    url = f"{PROFILE}fields/email/"
    form = agent.form(url) | {"value": "new@example.com"}

    opened = agent.get(url, headers=HTMX | BROWSER)
    saved = agent.post(url, form, headers=HTMX | BROWSER)

    assert saved.status_code == 200
    assert saved["Content-Encoding"] == "gzip"
    assert max(weight(opened), weight(saved), len(saved.wsgi_request.body)) <= 4 * kB


def test_a_clone_where_nobody_collected_serves_its_files_as_they_are(settings, tmp_path, agent):
    settings.STATIC_ROOT = tmp_path

    assert {agent.head(url).status_code for url in files_of(agent)} == {200}
    assert "/static/app.css" in files_of(agent)


def test_a_browser_that_takes_no_compression_gets_none(agent):
    assert "Content-Encoding" not in agent.get(PROFILE)
