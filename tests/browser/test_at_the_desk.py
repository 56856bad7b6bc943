"""A person at the desk, in a real browser, while the company ends their work."""

from threading import Thread

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import expect

from tests.conftest import TOM

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("fresh_client")]
EDITOR = f"/customers/{TOM}/fields/email/"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def page(chromium, transactional_db, clubmed):
    """The product is served by this process, whose clock can be moved."""
    with ThreadedWSGIServer(("127.0.0.1", 0), Quiet) as server:
        server.set_app(get_wsgi_application())
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        with chromium.new_context(base_url=address, reduced_motion="reduce") as context:
            page = context.new_page()
            page.on("dialog", lambda dialog: dialog.accept())
            yield page
        server.shutdown()
        thread.join()


def test_whoever_is_dismissed_is_gone_and_what_they_typed_waits(page, liar, clubmed, clock):
    """The company signs everybody in who comes, and asks nothing."""
    liar.claims = {"groups": ["crm-supervisors"]}
    page.goto("/audit/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Audit log")
    liar.claims = {"groups": ["crm-agents"]}
    clock(11)
    assert page.reload().status == 403
    page.goto(f"/customers/{TOM}/")
    page.locator("#email .field-edit").click()
    box = page.locator("#email input[name=value]")
    box.fill("typed@example.com")
    liar.no = "login_required"
    clock(32)

    page.locator("#email").get_by_role("button", name="Save").click()

    expect(page.locator("#notices")).to_contain_text("is there again once you sign in")
    expect(box).to_have_value("typed@example.com")
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
    liar.no = ""
    page.get_by_role("link", name="Sign in again").click()
    expect(page.locator("input[name=value]")).to_have_value("typed@example.com")
    assert page.url.endswith(EDITOR)
