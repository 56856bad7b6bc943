"""A person at the desk, in a real browser, while the company or the clock ends their work."""

from threading import Thread

import pytest
import requests
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import expect

from customers.audit.models import AccessEvent
from tests.conftest import TOM

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("fresh_client")]
EDITOR = f"/customers/{TOM}/fields/email/"


@pytest.fixture(params=["refresh token", "browser"])
def way(request, liar):
    """How the company is asked again."""
    liar.refresh = "the-first" if request.param == "refresh token" else ""
    return request.param


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def served():
    """The address of the product, served by this process, whose clock can be moved."""
    with ThreadedWSGIServer(("127.0.0.1", 0), Quiet) as server:
        server.set_app(get_wsgi_application())
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def tab(chromium, served):
    with chromium.new_context(base_url=served, reduced_motion="reduce") as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        yield page


@pytest.fixture
def page(tab, transactional_db, clubmed):
    """The company signs everybody in who comes, and asks nothing."""
    tab.context.clear_cookies()
    yield tab
    tab.goto("about:blank")


def type_an_email(page, value):
    page.goto(f"/customers/{TOM}/")
    page.locator("#email .field-edit").click()
    page.locator("#email input[name=value]").fill(value)


def save(page):
    page.locator("#email").get_by_role("button", name="Save").click()


def expect_it_back(page, value):
    expect(page.locator("#notices")).to_contain_text("is there again once you sign in")
    page.get_by_role("link", name="Sign in again").click()
    expect(page.locator("input[name=value]")).to_have_value(value)
    assert page.url.endswith(EDITOR)


def kinds():
    return list(AccessEvent.objects.order_by("id").values_list("kind", flat=True))


def test_whoever_is_dismissed_is_gone_and_what_they_typed_waits(page, liar, clubmed, way, clock):
    liar.claims = {"groups": ["crm-supervisors"]}
    page.goto("/audit/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Audit log")
    liar.claims = {"groups": ["crm-agents"]}
    clock(11)
    assert page.reload().status == 403
    type_an_email(page, "typed@example.com")
    liar.no = "invalid_grant" if way == "refresh token" else "login_required"
    clock(32)

    save(page)

    expect(page.locator("#notices .notice")).to_be_visible()
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
    liar.no = ""
    expect_it_back(page, "typed@example.com")


def test_a_sign_out_at_the_company_counts_at_the_next_click(page, liar, clubmed, served):
    type_an_email(page, "typed@example.com")
    told = {"logout_token": liar.logout_token()}
    assert requests.post(f"{served}/oidc/backchannel-logout/", told).status_code == 200

    save(page)

    expect_it_back(page, "typed@example.com")
    assert "ended" in kinds()
    assert clubmed.customers[TOM]["email"] == "tom@example.com"


@pytest.mark.parametrize(
    ("setting", "minutes"), [("IDLE", [61]), ("HOURS", [*range(50, 600, 50), 601])]
)
def test_time_ends_a_session_and_keeps_what_was_typed(
    page, liar, clubmed, clock, settings, setting, minutes
):
    settings.SESSION_RENEW_MINUTES = 10_000
    page.goto(f"/customers/{TOM}/")
    for moment in minutes[:-1]:
        clock(moment)
        page.reload()
    type_an_email(page, "typed@example.com")
    assert kinds().count("sign_in") == 1
    clock(minutes[-1])

    save(page)

    expect_it_back(page, "typed@example.com")
    assert "expired" in kinds()


def test_while_the_company_does_not_answer_work_goes_on(page, liar, clubmed, way, clock):
    page.goto(f"/customers/{TOM}/")
    liar.go_down()
    for minutes in (11, 35):
        clock(minutes)
        assert page.reload().status == 200
    type_an_email(page, "typed@example.com")
    clock(70)

    save(page)

    expect(page.locator("#email .was-saved")).to_be_visible()
    assert clubmed.customers[TOM]["email"] == "typed@example.com"
