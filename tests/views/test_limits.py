"""How much one person may look at: the product cannot be emptied by one sign-in."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from customers.audit import triggers
from customers.audit.models import AccessEvent
from tests import log
from tests.acts import at_once
from tests.conftest import AGENT, HTMX, SUPERVISOR, TOM, sent, signed_in, soup, text

pytestmark = pytest.mark.django_db
MINUTES = timedelta(minutes=10)
FEW = (3, MINUTES)
NUMBERS = [str(n) for n in range(700, 710)]
FIRST, *_ = PROFILES = [f"/customers/{n}/" for n in NUMBERS]
TYPED = {"value": "typed@example.com"}


@pytest.fixture(autouse=True)
def ten_customers(clubmed, settings):
    settings.LIMIT_VIEWS = settings.LIMIT_SEARCHES = settings.LIMIT_REVEALS = FEW
    for number in NUMBERS:
        clubmed.customers[number] = {"id": number, "first_name": "ADA", "last_name": "MANY"}


def statuses(person, urls=PROFILES, **kwargs):
    return Counter(person.get(url, **kwargs).status_code for url in urls)


def limited():
    events = AccessEvent.objects.filter(kind="limited").order_by("pk")
    return list(events.values_list("actor_sub", "field", "address"))


def let_pass(time):
    log.lift_the_triggers()
    for event in AccessEvent.objects.all():
        AccessEvent.objects.filter(pk=event.pk).update(recorded_at=event.recorded_at - time)
    triggers.install()


def test_profiles_in_a_row_stop_at_the_limit_which_is_recorded_once_and_told(
    agent, other_agent, supervisor, clubmed
):
    assert statuses(agent) == {200: 3, 429: 7}

    assert len(sent(clubmed, "GET")) == 3
    assert limited() == [(AGENT[0], "views", "127.0.0.1")]
    said = text(soup(agent.get(PROFILES[5])))
    goes_on = timezone.localtime(AccessEvent.objects.earliest("pk").recorded_at + MINUTES)
    assert "You opened 3 customers in 10 minutes" in said
    assert f"You can open other customers from {goes_on + timedelta(seconds=59):%H:%M}." in said
    assert "nothing you saved is lost" in said
    assert statuses(other_agent) == {200: 3, 429: 7}
    found = text(supervisor.page("/audit/activity/findings/").select_one("#findings"))
    assert "1 limit reached by Inès Moreau" in found
    looks = text(supervisor.page("/audit/looks/?kind=limited"))
    assert "Limit reached" in looks
    assert "Customers opened. From 127.0.0.1." in looks


def test_it_goes_on_when_the_first_of_them_is_long_enough_ago(agent):
    statuses(agent, PROFILES[:2])
    let_pass(timedelta(minutes=6))
    assert statuses(agent, PROFILES[2:4]) == {200: 1, 429: 1}

    wait = int(agent.get(PROFILES[4])["Retry-After"])
    assert 200 < wait <= 240

    let_pass(timedelta(seconds=wait))
    assert statuses(agent, PROFILES[4:8]) == {200: 2, 429: 2}


@pytest.mark.once
def test_who_is_open_stays_open_and_can_be_saved(agent, clubmed):
    clubmed.customers[NUMBERS[0]]["email"] = "old@example.com"
    editor = f"{FIRST}fields/email/"
    form = agent.form(editor)
    statuses(agent)

    assert agent.get(FIRST).status_code == 200
    let_pass(timedelta(minutes=9))
    assert statuses(agent, PROFILES[7:]) == {429: 3}
    let_pass(timedelta(minutes=2))
    assert statuses(agent, PROFILES[4:]) == {200: 3, 429: 3}
    assert agent.get(FIRST).status_code == 429  # by now another view
    saved = agent.post(editor, form | {"value": "new@example.com"}, headers=HTMX)

    assert saved.status_code == 200
    assert sent(clubmed, "PATCH")[0][1] == {"email": "new@example.com"}


@pytest.mark.once
@pytest.mark.parametrize(
    "place", ["fields/email/", "groups/contact/", "reason/", "fields/email/value/", "history/"]
)
def test_no_other_way_shows_a_customer_beyond_the_limit(agent, clubmed, place):
    """Whether asked for or sent: a form that nobody opened comes back with values otherwise."""
    ways = []
    if place != "reason/":
        ways.append(lambda url: agent.get(url, headers=HTMX))
    if place not in ("history/", "fields/email/value/"):
        ways.append(lambda url: agent.post(url, TYPED | {"reason_words": "x" * 300}))
    if place == "history/":
        statuses(agent, [f"{url}{place}" for url in PROFILES])
    statuses(agent)
    clubmed.requests.clear()

    for way in ways:
        for url in PROFILES[3:5]:
            answer = way(f"{url}{place}")
            assert answer.status_code == 429
            assert "MANY" not in text(soup(answer))
    assert clubmed.requests == []
    if answer.request["REQUEST_METHOD"] == "POST":
        assert TYPED["value"] in text(soup(answer))


@pytest.mark.once
def test_htmx_gets_a_notice_above_the_page_and_nothing_typed_is_lost(agent):
    for _ in range(3):
        agent.post("/", {"q": "Many"})

    answer = agent.post("/", {"q": "tom@example.com"}, headers=HTMX)

    notice = soup(answer)
    assert (answer.status_code, answer["HX-Retarget"]) == (429, "#notices")
    assert 590 < int(answer["Retry-After"]) <= 600
    assert notice.select_one("html") is None
    assert "You searched 3 times in 10 minutes" in text(notice)
    assert "tom@example.com" in text(notice)
    assert "tom@example.com" in text(soup(agent.post("/", {"q": "tom@example.com"})))
    assert limited() == [(AGENT[0], "searches", "127.0.0.1")]


@pytest.mark.once
def test_each_further_page_of_a_search_is_a_search(agent, clubmed):
    found = agent.post("/", {"q": "Many"})["Location"]

    assert statuses(agent, [f"{found}&page={n}" for n in (1, 2, 3, 1, 4, 5)]) == {200: 4, 429: 2}


@pytest.mark.once
def test_reveals_have_a_limit_of_their_own(supervisor, clubmed):
    clubmed.customers[TOM]["identity"] = {"type": "CPF", "number": "48392716055"}
    reveal = f"/customers/{TOM}/fields/identity/reveal/"

    answers = [supervisor.post(reveal, {"purpose": "identify"}, headers=HTMX) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert ["48392716055" in text(soup(answer)) for answer in answers] == [True] * 3 + [False] * 2
    assert limited() == [(SUPERVISOR[0], "reveals", "127.0.0.1")]


def test_many_at_once_get_no_more_than_the_limit(transactional_db, clubmed):
    """Each in a browser of its own, as on several workers."""
    people = [signed_in(AGENT) for _ in PROFILES]

    answers = at_once(
        *(lambda one=one, url=url: one.get(url) for one, url in zip(people, PROFILES, strict=True))
    )

    counted = Counter(answer.status_code for answer in answers)
    assert counted[200] <= 3
    assert counted[200] + counted[429] == len(PROFILES)
    assert all("MANY" not in text(soup(one)) for one in answers if one.status_code == 429)
