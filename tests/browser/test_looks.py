"""Every page, light and dark: readable by everybody, and quiet.

`make looks`: every state of every page, at every width, in both languages.
"""

from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from playwright.sync_api import expect

from customers import wording
from tests.browser.conftest import (
    SIDEWAYS,
    WINDOW,
    WORDS,
    open_editor,
    reload_until_shown,
    save_as,
    somebody_else,
)

pytestmark = pytest.mark.once
RICH, LONG, TOM = "/customers/704118236/", "/customers/30955172/", "/customers/123456789/"
SPARSE = "/customers/675278315/"  # an e-mail address, and no name
NOT_KNOWN_YET = "We do not know yet whether this customer was created"
BEING_CREATED = "Being created by %(name)s, %(at)s: Club Med gave no clear answer"
LONG_EMAIL = "a.very.long.address.of.one.and.the.same.customer@mail.example.com"
PICTURES = Path(__file__).parents[2] / "looks"
WIDTHS = (320, 375, 768, 1440)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
# Words of which hardly a letter has room beside another.
SQUEEZED = """[...document.querySelectorAll("main *")].map(
    one => [one.innerText?.trim(), one.getBoundingClientRect()]).filter(
    ([text, box]) => text?.length > 4 && 1 < box.width && box.width < 32 && box.height > 64).map(
    ([text]) => text)"""
# What cuts its words, but for what ends in dots and says all elsewhere; and what stands left of the
# window.
CUT = """[...document.querySelectorAll("body *")].filter(one => {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    if (box.width < 2 || !one.checkVisibility({visibilityProperty: true})) return false;
    if (one.closest(".skip-link, .visually-hidden, select, input, svg")) return false;
    const cuts = /hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis";
    return (cuts && one.scrollWidth > one.clientWidth + 1) || (box.right > 0 && box.left < -1);
}).map(one => one.outerHTML.slice(0, 200))"""
RULES = {"runOnly": {"type": "tag", "values": STANDARDS}, "resultTypes": ["violations"]}
# What a list covers while it is open, or what is printed, is no target.
UNDER_A_LIST = RULES | {"rules": {"target-size": {"enabled": False}}}
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}  # what a shade changes
VIOLATIONS = """async rules => (await axe.run(rules)).violations.map(
    found => [found.id, found.nodes.map(node => node.html)])"""


AT_REST = {
    "find": "/",
    "create": "/customers/new/",
    "markets": "/market/",
    "shortcuts": "/shortcuts/",
    "profile": RICH,
    "profile-long": LONG,
    "profile-sparse": SPARSE,
    "editing-alone": f"{LONG}fields/email/",
    "group": f"{LONG}groups/contact/",
    "revealing-alone": f"{RICH}fields/identity/reveal/",
    "nothing-yet": "/audit/?customer=1",
    "integrity": "/audit/integrity/",
    "activity": "/audit/activity/",
    "activity-wrong": "/audit/activity/?from=2026-02-30&to=2026-01-31&person=1",
    "no-such-customer": "/customers/999999999/",
    "no-such-page": "/nowhere/",
    "signed-in": "/sessions/",
    "signed-out": "/signed-out/",
}

# What opens where it is pressed: its page, and what is pressed.
OPENED = {
    "menu-markets": ("/", ".topbar .menu:nth-of-type(1) > summary"),
    "menu-languages": ("/", ".topbar .menu:nth-of-type(2) > summary"),
    "menu-shades": ("/", ".topbar [data-theme-menu] > summary"),
    "menu-person": (TOM, ".topbar .menu:last-of-type > summary"),
    "add-a-field": (TOM, ".add-field > summary"),
    "who-looked": (TOM, "#timeline summary"),
    "filter-people": ("/audit/", ".filters .menu > summary"),
    "filter-outcomes": ("/audit/", ".filters > div:nth-of-type(5) summary"),
    "save-view": ("/audit/", ".views summary"),
    "optional": ("/customers/new/", "#create details > summary"),
}


# Journeys. Each stops where there is something to look at, and names it. `_` finds what the page
# says in the language of the test.


def begins(sentence):
    """Its words before what is filled in."""
    return _(sentence).partition("%(")[0].strip()


@contextmanager
def held(page, address):
    """What is sent to that address meanwhile waits until the end."""
    waiting = []
    page.route(address, lambda route: waiting.append(route))
    yield
    for route in waiting:
        route.continue_()
    page.unroute(address)


def save(page, name):
    """Press the button of that name in the form that was filled in last."""
    page.get_by_role("button", name=name, exact=True).last.click()


def edit(page, field, value):
    box = open_editor(page, field)
    box.fill(value)
    box.press("Enter")


def _nobodys(name):
    """An address that no create of the other language has left unsettled."""
    return f"{name}.{get_language()}@example.com"


def create(page, first_name, last_name, email):
    page.goto("/customers/new/")
    page.locator("[name=civility]").select_option("MS")
    for name, text in (("first_name", first_name), ("last_name", last_name), ("email", email)):
        page.locator(f"[name={name}]").fill(text)
    page.get_by_role("button", name=_("Create the customer")).last.click()


def share_an_email(product):
    for number in ("30955172", "123456789"):
        product.change_elsewhere(number, email="beatriz.wang@example.com")


def search(page, what):
    """In the box that has the focus: Chromium complains of whoever is faster than its autofocus."""
    page.goto("/")
    box = page.locator("#q")
    expect(box).to_be_focused()
    box.fill(what)
    box.press("Enter")


def lose(page, product, where, kind):
    """A change without an answer."""
    page.goto(where)
    product.add_fault(kind=kind, method="PATCH")
    edit(page, "email", LONG_EMAIL)
    expect(page.locator("#email[data-state=unknown]")).to_be_visible()


def editing(page, product):
    page.goto(LONG)
    edit(page, "last_name", "Castro 2")
    expect(page.locator("#last_name .error")).to_be_visible()
    yield "refused"
    page.locator("#phones .field-edit").click()
    expect(page.locator("#phones .phone-row")).to_have_count(4)
    yield "phones"
    page.goto(RICH)
    open_editor(page, "email")
    page.get_by_role("button", name=f"{_('Clear')}…").click()
    expect(page.locator("#email[data-state=clearing]")).to_be_visible()
    page.locator("#personal_data_usage_allowed .field-edit").click()
    expect(page.locator("input[type=radio]")).to_have_count(2)
    yield "clearing"


def saving(page, product):
    page.goto(TOM)
    edit(page, "first_name", "Thomás")
    expect(page.locator("#first_name")).to_contain_text("THOMAS")
    yield "saved"
    page.goto(f"{TOM}fields/first_name/")
    page.locator("input[name=value]").fill("Tomás")
    page.get_by_role("button", name=_("Save")).click()
    expect(page.locator("#first_name")).to_contain_text("TOMAS")
    yield "saved-alone"


def conflicting(page, product):
    page.goto(TOM)
    box = open_editor(page, "email")
    with somebody_else(page, product) as theirs:
        theirs.goto(TOM)
        save_as(theirs, "email", "theirs@example.com")
    box.fill("mine@example.com")
    box.press("Enter")
    expect(page.locator("#email[data-state=conflict]")).to_be_visible()
    yield "conflict"
    page.get_by_role("button", name=_("Keep theirs")).click()
    expect(page.get_by_role("button", name=_("Use it"))).to_be_visible()
    yield "kept-theirs"


def without_an_api(page, product):
    page.goto(TOM)
    box = open_editor(page, "email")
    product.add_fault(kind="status", method="GET", status=503, times=None)
    box.fill("typed@example.com")
    box.press("Enter")
    expect(page.locator("#notices .notice")).to_be_visible()
    yield "api-down"
    search(page, "Wang 14/06/1986")
    expect(page.locator(".notice[data-tone=bad]")).to_be_visible()
    yield "find-down"
    product.clear_faults()
    product.add_fault(kind="drop_before", method="GET", times=None)
    while True:
        page.goto("/saves/")
        if page.get_by_text(_("Club Med does not answer.")).is_visible():
            break
        page.goto(TOM)
    yield "outage"
    product.clear_faults()


def recorded_and_forgotten(page, product):
    """One change that Club Med took, and after it one that it refused."""
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    product.add_fault(kind="status", method="PATCH", status=400)
    edit(page, "last_name", "Smithers")
    expect(page.locator("#last_name .error")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name=_("Cancel")).click()
    expect(page.locator("#last_name .field-edit")).to_be_focused()
    for name, path in (("history", f"{TOM}history/"), ("log", "/audit/")):
        page.goto(path)
        expect(page.locator("tbody.change").nth(1)).to_be_visible()
        yield name
    page.locator("tbody.change .when a").first.click()
    expect(page.locator("#facts-title")).to_be_visible()
    yield "change"

    page.goto(f"{TOM}forget/")
    number = page.get_by_label(str(wording.NUMBER_AGAIN))
    number.fill("555")
    page.get_by_role("button", name=_("Forget this customer")).click()
    expect(page.locator(".error")).to_have_count(2)
    yield "forgetting"
    page.get_by_label(str(wording.WHY_FORGET)).fill("Letter of 12 March")
    number.fill("123456789")
    page.get_by_role("button", name=_("Forget this customer")).click()
    page.wait_for_url(f"**{TOM}history/")
    for name, path in (("", TOM), ("-history", f"{TOM}history/")):
        page.goto(path)
        yield f"forgotten{name}"
    page.goto("/audit/")
    page.locator("tbody.change .when a").first.click()
    yield "forgotten-change"


ALTER = """
from customers.audit import triggers
from customers.audit.models import Entry
from tests import log
log.lift_the_triggers()
Entry.objects.filter(seq=Entry.objects.first().seq - 1).update(locale="{locale}")
triggers.install()
"""


def proving(page, product):
    """A change amid others, and when it is not as it was recorded."""
    for value in ("one@example.com", LONG_EMAIL, "three@example.com"):
        page.goto(TOM)
        save_as(page, "email", value)
    page.goto("/audit/")
    page.locator("tbody.change .when a").nth(1).click()
    expect(page.get_by_text(_("Verified just now"))).to_be_visible()
    yield "change-amid"
    product.manage("shell", "--command", ALTER.format(locale="fr-FR"))
    page.reload()
    expect(page.get_by_text(_("Not as recorded"))).to_be_visible()
    yield "change-altered"
    product.manage("shell", "--command", ALTER.format(locale="en-US"))


def settling(page, product):
    page.route("**/changes/**", lambda route: route.fulfill(status=204))  # so it stays like this
    lose(page, product, RICH, "drop_after")
    yield "unknown"
    page.unroute("**/changes/**")
    page.goto("/audit/unsettled/")
    expect(page.locator("tbody.change").first).to_be_visible()
    yield "waiting"
    product.let_time_pass()
    page.goto("/saves/")
    reload_until_shown(page, page.get_by_role("heading", name=_("Settled since you last looked")))
    yield "saves"


def deciding(page, product):
    """Over somebody else's change of which the profile shows a third value."""
    with somebody_else(page, product) as theirs:
        theirs.goto(LONG)
        lose(theirs, product, LONG, "drop_before")
    product.change_elsewhere("30955172", email="third@example.com")
    product.let_time_pass()
    page.goto("/audit/unsettled/")
    decide = page.get_by_role("link", name=_("Decide")).first
    reload_until_shown(page, decide)
    yield "unclear"
    decide.click()
    page.get_by_role("button", name=_("Record the outcome")).click()
    expect(page.locator("#settle .error").first).to_be_visible()
    yield "deciding"


def deciding_about_a_create(page, product):
    """Somebody else's, beside the customer that a search found."""
    with somebody_else(page, product) as theirs:
        product.add_fault(kind="drop_after", method="POST")
        create(theirs, "Maximiliane", "Montgomery-Vandenberghe", _nobodys("max"))
        expect(theirs.locator("h1")).to_contain_text(_(NOT_KNOWN_YET))
    product.let_time_pass()
    page.goto("/audit/unsettled/")
    page.locator("tbody", has_text="Maximiliane").get_by_role(
        "link", name=_("Decide")
    ).first.click()
    page.get_by_role("link", name=_("Search Club Med for this customer")).click()
    expect(page.get_by_role("button", name=_("This is the one")).first).to_be_visible()
    yield "searched"


SHOWN_RUNS = """
from datetime import timedelta
from django.utils import timezone
from customers.audit import verification
from customers.audit.models import Verification
Verification.objects.filter(state="running").delete()
"""
UNDER_WAY = """
row = verification.begin("Maximiliane Montgomery-Vandenberghe")
row.reached, row.last = 12_000, 48_212
row.save()
"""
BROKEN_OFF = "Verification.objects.filter(state='running').update(state='broken_off')"
NOT_WHOLE = """
from customers.audit.models import Entry
last = Entry.objects.first().seq
faults = [[last, "its content gives another digest than the one recorded"]]
faults += [[None, "the head is not signed with a key that was given"]]
faults += [[None, f"change {'0' * 8}-{'1' * 24}: the lists do not show it: audit_rebuild"]]
Verification.objects.create(actor_name="Sana El Idrissi", started_at=timezone.now(),
    ended_at=timezone.now(), beat_at=timezone.now(), state="not_whole", reached=48_212,
    proven=last - 1, faults=faults)
"""


def checking(page, product):
    """The log's integrity: what a check may leave."""
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    with somebody_else(page, product) as theirs:
        lose(theirs, product, RICH, "drop_before")
    for name, made in (
        ("checking", SHOWN_RUNS + UNDER_WAY),
        ("check-broken-off", SHOWN_RUNS + UNDER_WAY + BROKEN_OFF),
        ("not-intact", SHOWN_RUNS + NOT_WHOLE),
    ):
        product.manage("shell", "--command", made)
        page.goto("/audit/integrity/")
        yield name
    page.goto("/audit/unsettled/")
    expect(page.locator("#notices")).to_contain_text(_("The log is not intact."))
    yield "not-intact-unsettled"
    product.manage("audit_verify")
    page.goto("/audit/integrity/")
    expect(page.locator(".verdict")).to_contain_text(
        begins("The log is intact up to entry %(seq)s")
    )
    yield "intact"


# Rows of the projection alone, and later away again: the log itself takes no time but now.
MANY_CHANGES = """
from datetime import timedelta
from random import choice, randrange
from uuid import uuid4
from django.utils import timezone
from customers.audit.models import ChangedField
from customers.catalogue.fields import FIELDS
first = ChangedField.objects.order_by("seq").first()
now, names = timezone.now(), list(FIELDS)
ChangedField.objects.exclude(pk=first.pk).delete()
ChangedField.objects.update(recorded_at=now - timedelta(days=61))
ago = [timedelta(days=randrange(60), hours=randrange(9)) for _ in range(2_000)]
ago += [timedelta(hours=12, seconds=n) for n in range(90)]
ChangedField.objects.bulk_create(
    ChangedField(
        seq=first.pk + n, change_id=uuid4(), recorded_at=now - one, action="change",
        field=choice(names[:25] + ["email"] * 20) if n < 2_000 else "email",
        outcome=choice(["applied"] * 20 + ["refused", "not_applied", "unclear"]),
        customer_id=str(randrange(100, 900)),
        actor_key=first.actor_key if n % 3 else 2**60 + n % 11,
    )
    for n, one in enumerate(sorted(ago, reverse=True), 1))
"""


def seeing_activity(page, product):
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    product.manage("shell", "--command", MANY_CHANGES)
    page.goto("/audit/activity/")
    nowhere = _("Values were opened for this and are kept nowhere.")
    expect(page.locator("#findings .remark")).to_contain_text(nowhere)
    for summary in page.locator(".as-table > summary").all():
        summary.click()
    yield "activity-full"
    product.manage("audit_rebuild")


def without_a_role(page, product):
    page.context.clear_cookies(name="crmadmin_session")
    page.goto("/oidc/callback/?code=1&state=nobodys")
    expect(page.locator("h1")).to_have_text(_("Sign-in did not work"))
    yield "sign-in-failed"
    page.goto("/")
    page.get_by_role("button", name="Noa Feldstein").click()
    expect(page.locator("h1")).to_have_text(_("You have no access yet"))
    yield "no-access"


def ending_a_session(page, product):
    page.goto("/sessions/")
    yield "sessions"
    with somebody_else(page, product) as theirs:
        theirs.goto("/sessions/")
        page.reload()
        page.get_by_role("link", name=f"{_('End this session…')} Owen").first.click()
        reason = page.get_by_label(str(wording.WHY_END))
        expect(reason).to_be_visible()
        yield "sessions-asked"
        reason.fill("x" * 201)
        page.get_by_role("button", name=_("End this session"), exact=True).click()
        expect(page.locator("tr.ask .error")).to_be_visible()
        yield "sessions-wrong"
        page.get_by_label(str(wording.WHY_END)).fill("Left the desk without signing out")
        page.get_by_role("button", name=_("End this session"), exact=True).click()
        expect(page.locator("#notices")).to_contain_text("Owen Whitfield")
        yield "sessions-ended"
        theirs.goto("/")
        expect(theirs.locator("h1")).to_have_text(str(wording.SESSION_ENDED_BY_HAND))
    product.forget_session("Owen Whitfield")


def creating(page, product):
    page.goto("/customers/new/")
    page.locator("[name=last_name]").fill("Montgomery-Vandenberghe-Castro-Smith")
    page.locator("[name=birthdate]").fill("31/06/1986")
    page.get_by_role("button", name=_("Create the customer")).last.click()
    expect(page.locator("#summary")).to_be_visible()
    yield "create-refused"
    product.add_fault(kind="drop_before", method="POST")
    for shown in ("h1", "#alike"):  # the same person, whose first create got no answer
        create(page, "Maximiliane", "Montgomery-Vandenberghe", _nobodys("maximiliane"))
        told = NOT_KNOWN_YET if shown == "h1" else BEING_CREATED
        expect(page.locator(shown)).to_contain_text(begins(told))
        yield "create-unknown" if shown == "h1" else "create-again"
    share_an_email(product)
    create(page, "Beatriz", "Wang", "beatriz.wang@example.com")
    expect(page.locator("#alike a")).to_have_count(3)
    yield "create-alike"


def finding(page, product):
    share_an_email(product)
    search(page, "beatriz.wang@example.com")
    found = page.locator("[aria-labelledby=found-title] .people a")
    expect(found).to_have_count(3)
    expect(found.first).to_be_focused()
    page.get_by_text(_("Search by single fields")).click()
    yield "found"
    for name, typed, shown in (
        ("find-nobody", "nobody@example.com", "#none-title"),
        ("find-wrong", "tom@example", "#q-error"),
    ):
        search(page, typed)
        expect(page.locator(shown)).to_be_visible()
        yield name
    page.goto("/")
    page.locator("#q").fill("Wang 14/06/1986")
    with held(page, "**/"):
        page.locator("#q").press("Enter")
        expect(page.get_by_text(_("Asking Club Med"))).to_be_visible()
        yield "find-slow"
    expect(page.locator("h1")).to_contain_text("Wang")


def saying_why(page, product):
    page.goto(RICH)
    page.get_by_label(str(wording.WHY)).select_option("Document seen")
    words = page.get_by_label(str(wording.WHY_IN_WORDS))
    words.fill("A new passport, number checked, after she had married and moved " + "W" * 60)
    words.press("Enter")
    expect(page.locator("#why-said")).to_contain_text(_("Kept."))
    save_as(page, "birth_city", "Salvador")
    yield "reason"
    words.fill("x" * 201)
    words.press("Enter")
    expect(page.locator("#why-said .error")).to_be_visible()
    yield "reason-wrong"
    page.goto(TOM)
    page.locator(".add-field summary").first.click()
    page.get_by_role("link", name=f"{_('Add')} {_('Third name')}", exact=True).click()
    box = page.locator("#third_name input[name=value]")
    box.fill("Ann")
    box.press("Enter")
    expect(page.locator("#third_name .error")).to_be_visible()
    yield "reason-needed"
    page.locator("#third_name [name=reason]").fill("Document seen")
    page.locator("#third_name").get_by_role("button", name=_("Save"), exact=True).click()
    page.get_by_role("button", name=f"{_('Undo')} {_('Third name')}").click()
    expect(page.locator("#third_name .error")).to_be_visible()
    yield "undo-asks-why"
    page.goto(f"{LONG}groups/identity/")
    page.locator("[name=third_name]").fill("Ann")
    page.get_by_role("button", name=_("Save"), exact=True).last.click()
    expect(page.locator("#summary")).to_be_visible()
    yield "reason-needed-group"
    page.goto("/audit/?customer=704118236")
    yield "reasons"


def sending_an_address(page, product):
    """With the other editors of lists and objects open beside it."""
    body = '{"errors": [{"concerned_key": "address.zip_code", "error_description": "Unknown."}]}'
    product.add_fault(kind="status", method="PATCH", status=400, body=body)
    page.goto(RICH)
    for field in ("optins", "identity", "address"):
        page.locator(f"#{field} .field-edit").click()
        expect(page.locator(f"#{field}[data-state=editing]")).to_be_visible()
    page.locator("[name=address-street]").fill("A street whose name needs two lines, being so long")
    page.locator("#address").get_by_role("button", name=_("Save")).click()
    expect(page.locator("#address [name=force_address]")).to_be_visible()
    yield "address-refused"


def editing_a_group(page, product):
    """A clash of two fields, one of them with a clear, and a wrong answer."""
    page.goto(LONG)
    page.get_by_role("link", name=f"{_('Edit all')} {_('Identity')}").click()
    page.locator("[name=first_name]").fill("Maximiliane Josefa")
    page.locator("[name=clear][value=birthdate]").check()
    product.change_elsewhere("30955172", birthdate="19700101", first_name="Elsewhere")
    page.get_by_role("button", name=_("Save")).last.click()
    expect(page.locator("[data-state=conflict]")).to_have_count(2)
    page.locator("[name=last_name]").fill("x" * 31)
    page.get_by_role("button", name=_("Save")).last.click()
    expect(page.locator("#summary")).to_be_focused()
    yield "group-refused"


def revealing(page, product):
    """One value that is shown, and one that is asked for; then old and new of a change."""
    page.goto(RICH)
    page.get_by_role("link", name=f"{_('Reveal')} {_('National number')}").click()
    page.get_by_label(str(wording.WHY_REVEAL)).select_option("identify")
    page.get_by_role("button", name=_("Reveal")).click()
    expect(page.locator("#identity[data-state=revealed]")).to_be_visible()
    page.get_by_role("link", name=f"{_('Reveal')} {_('Health pass')}").click()
    page.get_by_role("button", name=_("Reveal")).click()
    expect(page.locator("#health_pass_id .error")).to_be_visible()
    yield "revealing"
    page.goto(RICH)
    page.locator("#identity .field-edit").click()
    page.locator("#identity [name=identity-number]").fill("11144477735")
    page.locator("#identity").get_by_role("button", name=_("Save")).click()
    expect(page.locator("#identity .was-saved")).to_be_visible()
    page.goto("/audit/")
    page.locator("tbody.change .when a").first.click()
    page.get_by_role("link", name=f"{_('Reveal')} {_('National number')}").click()
    page.get_by_label(str(wording.WHY_REVEAL)).select_option("review")
    page.get_by_role("button", name=_("Reveal")).click()
    expect(page.locator(".diff-new").last).to_have_text("11144477735")
    yield "change-revealed"


def comparing(page, product):
    """Every case of old → new, in the log, in the timeline and on the page of a change."""
    product.record_differences()
    page.goto("/audit/")
    expect(page.locator("tbody.change")).not_to_have_count(0)
    yield "differences"
    for one in page.locator("details.long > summary").all():
        one.click()
    yield "differences-open"
    page.goto(TOM)
    yield "differences-trail"
    page.goto("/audit/")
    page.locator("tbody.change", has_text="apto 92").locator(".when a").click()
    expect(page.locator("table.even")).to_be_visible()
    yield "difference"


def putting_back(page, product):
    """An undo, one over what moved, and a change of which one field moved."""
    page.goto(RICH)
    save_as(page, "email", LONG_EMAIL)
    expect(page.get_by_role("button", name=f"{_('Undo')} {_('E-mail')}")).to_be_visible()
    yield "undo"
    product.change_elsewhere("704118236", email="third@example.com")
    page.get_by_role("button", name=f"{_('Undo')} {_('E-mail')}").click()
    expect(page.locator("#email[data-state=conflict]")).to_be_visible()
    yield "undo-conflict"
    page.goto(LONG)  # else its form begins with what the person saw before
    page.goto(f"{LONG}groups/identity/")
    page.locator("[name=first_name]").fill("Maximilian")
    page.locator("[name=last_name]").fill("Montgomery-Vandenberghe")
    page.get_by_role("button", name=_("Save"), exact=True).last.click()
    expect(page.locator("#notices")).to_contain_text(_("Undo"))
    yield "undo-group"
    page.goto("/audit/")
    page.locator("tbody.change .when a").first.click()
    expect(page.locator("#revert")).to_be_visible()
    yield "change-reverting"
    page.reload()  # axe has touched what htmx is about to swap
    product.change_elsewhere("30955172", first_name="Elsewhere")
    page.get_by_label(str(wording.WHY_REVERT)).fill("Saved for the wrong person")
    page.get_by_role("button", name=_("Put the ticked values back")).click()
    expect(page.locator("#revert .compare")).to_be_visible()
    yield "reverting-moved"
    page.get_by_role("button", name=_("Put the ticked values back")).click()
    expect(page.locator("#notices")).to_contain_text(
        str(wording.PUT_BACK).removeprefix("%(fields)s")
    )
    yield "change-that-reverts"
    page.get_by_role("link", name=_("the change of")).click()
    expect(
        page.locator(".notice", has_text=begins("Put back by %(who)s on %(at)s: %(fields)s."))
    ).to_be_visible()
    yield "change-reverted"
    page.reload()
    page.locator("#revert").get_by_role("button").click()
    expect(page.locator("#revert .error").first).to_be_visible()
    yield "reverting-refused"
    page.goto("/audit/")
    yield "log-of-reverts"


def visiting(page, product):
    """Also what a customer and the log look like after a change."""
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    more = {"history": f"{TOM}history/", "log": "/audit/", "looks": "/audit/looks/"}
    more |= {"export": "/audit/export/", "report": "/audit/report/", "forget": f"{TOM}forget/"}
    more |= {"unsettled": "/audit/unsettled/", "saves": "/saves/"}
    for name, path in (AT_REST | more).items():
        page.goto(path)
        yield f"rest-{name}"


def opening(page, product):
    """Menus, folded parts and the sheet of the keys."""
    for name, (path, pressed) in OPENED.items():
        page.goto(path)
        page.locator(pressed).first.click()
        yield name
    page.goto(TOM)
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    yield "dialog"


def doubting(page, product):
    """What may be wrong and can be saved anyway: in its row, in a group, in a new customer."""
    product.change_elsewhere("704118236", locale="fr-FR")
    page.goto(RICH)
    for field, name, typed in (
        ("identity", "identity-number", "390.533.447-04"),
        ("address", "address-zip_code", "SW1A 1AAA"),
    ):
        page.locator(f"#{field} .field-edit").click()
        page.locator(f"[name={name}]").fill(typed)
        page.locator(f"#{field}").get_by_role("button", name=_("Save"), exact=True).click()
        expect(page.locator(f"#{field} [name=anyway]")).to_be_visible()
    yield "save-anyway"
    page.goto(f"{RICH}groups/contact/")
    page.locator("[name=phones-1-number]").fill("11 90000-0412")
    save(page, _("Save"))
    expect(page.locator("[name=anyway]").first).to_be_visible()
    yield "save-anyway-group"
    page.goto("/customers/new/")
    page.locator("[name=phones-0-number]").fill("0639981234")
    save(page, _("Create the customer"))
    expect(page.locator("[name=anyway]").first).to_be_visible()
    yield "save-anyway-create"


def name_somebody_else(page):
    page.goto(f"{LONG}groups/identity/")
    page.locator("[name=first_name]").fill("Maximilian")
    page.locator("[name=last_name]").fill("Montgomery-Vandenberghe")
    save(page, _("Save"))


def losing_a_group(page, product):
    """Two changes without an answer, and what is found of another two afterwards."""
    product.add_fault(kind="drop_after", method="PATCH")
    name_somebody_else(page)
    expect(page.locator("h1")).to_have_text(_("We do not know yet whether Club Med stored this"))
    yield "group-unknown"
    for name, where, told in (
        ("not-stored", TOM, "Not stored."),
        ("settled-unclear", RICH, "Unclear."),
    ):
        lose(page, product, where, "drop_before")
        if name == "settled-unclear":
            product.change_elsewhere("704118236", email="third@example.com")
        product.let_time_pass()
        expect(page.locator("#email")).to_contain_text(_(told))
        yield name


LOG_IS = "from django.db import connection; connection.cursor().execute({!r})"
FULL = "CREATE TRIGGER full BEFORE INSERT ON customers_entry BEGIN SELECT RAISE(ABORT, 'full'); END"


def waiting_for_the_log(page, product):
    """Club Med took what the log could not."""
    product.run(LOG_IS.format(FULL))
    try:
        create(page, "Maximiliane", "Montgomery-Vandenberghe", _nobodys("pending"))
        expect(page.locator("h1")).to_have_text(_("The customer is created"))
        yield "create-pending"
        name_somebody_else(page)
        expect(page.locator("h1")).to_have_text(_("Club Med stored this"))
        yield "group-pending"
    finally:
        product.run(LOG_IS.format("DROP TRIGGER full"))
        product.let_time_pass()
        product.manage("reconcile")


MANY_LOOKS = """
from django.utils import timezone
from customers.audit.models import AccessEvent
one = AccessEvent.objects.filter(actor_name="Inès Moreau").values().first()
one |= {"id": None, "kind": "view", "recorded_at": timezone.now(), "request_id": "many"}
AccessEvent.objects.bulk_create([AccessEvent(**one | {"customer_id": n}) for n in range(120)])
"""
NO_MORE = """
from customers.audit import triggers
from customers.audit.models import AccessEvent
from tests import log
log.lift_the_triggers()
AccessEvent.objects.filter(request_id="many").delete()
triggers.install()
"""


def reaching_a_limit(page, product):
    product.manage("shell", "--command", MANY_LOOKS)
    try:
        product.let_in(page, "Inès Moreau")
        page.goto(SPARSE)
        expect(page.locator("#limited-title")).to_be_visible()
        yield "limit"
    finally:
        product.manage("shell", "--command", NO_MORE)


def exporting(page, product):
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    page.goto("/audit/export/")
    with held(page, "**/export.csv*"):
        page.get_by_role("button", name=_("Export CSV")).click()
        expect(page.locator("[data-state=running]")).to_be_visible()
        yield "export-running"
    expect(page.locator("[data-state=done]")).to_be_visible()
    yield "export-done"
    page.route("**/export.csv*", lambda route: route.abort())
    page.get_by_role("button", name=_("Export CSV")).click()
    expect(page.locator("[data-state=broken]")).to_be_visible()
    yield "export-broken"


def printing(page, product):
    """A customer on paper, and the report on one: on the screen and on paper."""
    page.goto(TOM)
    save_as(page, "email", LONG_EMAIL)
    page.goto("/audit/report/")
    page.locator("[name=customer_id]").fill("123456789")
    with page.expect_download() as made:
        page.get_by_role("button", name=_("Make the report")).click()
    report = Path(made.value.path()).read_text(encoding="ascii")
    page.goto("about:blank")
    page.set_content(report)
    yield "report"
    page.emulate_media(media="print")
    yield "report-on-paper"
    page.goto(RICH)
    yield "profile-on-paper"


JOURNEYS = [
    *(visiting, finding, creating, editing, saving, conflicting, saying_why, sending_an_address),
    *(editing_a_group, putting_back, revealing, comparing, recorded_and_forgotten, proving),
    settling,
    *(deciding, deciding_about_a_create, checking, seeing_activity, without_an_api),
    *(ending_a_session, without_a_role, opening, doubting, losing_a_group, waiting_for_the_log),
    *(reaching_a_limit, exporting, printing),
]


def in_each_shade(page):
    for shade in ("dark", "light"):
        page.emulate_media(color_scheme=shade)
        # Nothing but the report, which is a file, leaves its shade to the browser.
        dressed = page.locator(f"html[data-bs-theme={shade}], html:not([data-bs-theme])")
        expect(dressed).to_be_attached()
        yield shade


@pytest.fixture
def page(page):
    yield page
    page.emulate_media(media="null", color_scheme="null")
    page.set_viewport_size(WINDOW)


def test_a_page_at_rest_is_readable_by_everybody(sana):
    wrong = []
    for name, path in AT_REST.items():
        sana.goto(path)
        sana.evaluate(AXE_SCRIPT)
        for shade in in_each_shade(sana):
            found = sana.evaluate(VIOLATIONS, RULES if shade == "dark" else CONTRAST)
            wrong += [(name, shade, one) for one in found]
    assert wrong == []


@pytest.mark.looks
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_readable_by_everybody_and_fits(product, sana, english, language, journey):
    """Pictures of all of them: looks/<language>/<page>-<width>-<shade>.png."""
    cookie = {"name": "crmadmin_language", "value": language, "url": product.desk}
    sana.context.add_cookies([cookie])
    wrong = []
    with override(language), closing(journey(sana, product)) as states:
        for name in states:
            expect(sana.locator("html")).to_have_attribute("lang", language)
            wrong += look_at(sana, f"{language}/{name}")
            if language != "en" and (said := english & set(sana.evaluate(WORDS))):
                wrong.append(f"{name} says {said}")
    assert not wrong, "\n".join(map(str, wrong))


def look_at(page, name):
    """What is wrong at every width and in both shades; on paper at the width of a sheet."""
    page.evaluate(AXE_SCRIPT)
    is_on_paper = page.evaluate("matchMedia('print').matches")
    rules = {"dark": RULES, "light": CONTRAST}
    if is_on_paper or name.split("/")[1] in OPENED:
        rules["dark"] = UNDER_A_LIST
    wrong = []
    for shade in in_each_shade(page):
        for width in [768] if is_on_paper else WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            picture = PICTURES / f"{name}-{width}-{shade}.png"
            # To hide a caret is to style an input, which htmx would copy to the next of its id.
            page.screenshot(path=picture, full_page=True, caret="initial")
            found = page.evaluate(SQUEEZED) + page.evaluate(CUT)
            found += ["it scrolls sideways"] * (page.evaluate(SIDEWAYS) > 0)
            if width in (WIDTHS[0], WIDTHS[-1]) or is_on_paper:
                found += page.evaluate(VIOLATIONS, rules[shade])
            wrong += [(picture.name, one) for one in found]
    return wrong
