"""Activity: the numbers of a period, and what of it is worth a look."""

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from customers.audit import activity, entries, worth_a_look
from customers.audit.actions import Outcome
from customers.audit.activity import Period
from customers.audit.entries import FieldOutcome
from customers.audit.models import AccessEvent, ChangedField, actor_key

pytestmark = pytest.mark.django_db
ISSUER = "https://login.example.com"
INES, OWEN = (actor_key(ISSUER, sub) for sub in ("ines", "owen"))
DAY = date(2026, 11, 17)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
KATHMANDU = "Asia/Kathmandu"  # 5:45 ahead


@pytest.fixture(params=["UTC", "America/Sao_Paulo", "Europe/Paris", KATHMANDU])
def zone(request):
    with timezone.override(request.param):
        yield ZoneInfo(request.param)


def at(hour, minute=0, day=DAY):
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour, minute))


def changed(*times, person=INES, field="email", outcome=Outcome.APPLIED, customer=None):
    """Rows of the projection, recorded at these times, which follow those there are."""
    last = ChangedField.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    ChangedField.objects.bulk_create(
        ChangedField(
            seq=last + n,
            change_id=uuid4(),
            field=field,
            recorded_at=time,
            action="change",
            outcome=outcome,
            customer_id=customer or str(last + n),
            actor_key=person,
        )
        for n, time in enumerate(times, 1)
    )


def looked(*times, person=INES, kind="view", customers=None):
    AccessEvent.objects.bulk_create(
        AccessEvent(recorded_at=time, kind=kind, actor_key=person, customer_id=customer)
        for time, customer in zip(times, customers or map(str, range(1, 999)), strict=False)
    )


def recorded(field, old, new, *, customer, sub="ines", action="change"):
    """An entry with its values, now."""
    act = {
        "action": action,
        "customer_id": customer,
        "actor_issuer": ISSUER,
        "actor_sub": sub,
        "actor_name": sub.title(),
        "locale": "en-US",
    }
    with transaction.atomic():
        entries.append(uuid4(), act, [FieldOutcome(field, old, new, Outcome.APPLIED)])


def found(period=NOVEMBER):
    """(rule, count) of what is worth a look."""
    return [(finding.rule, finding.count) for finding in worth_a_look.look(period).findings]


def found_lately():
    """The same of yesterday and today."""
    today = timezone.localdate()
    return found(Period(today - timedelta(days=1), today))


# Numbers


def test_the_numbers_are_those_of_a_plain_count(zone):
    random = Random(13)  # noqa: S311 - no secret
    minutes = sorted(random.randrange(90 * 24 * 60) for _ in range(400))
    for minute in minutes:
        changed(
            datetime(2026, 9, 20, tzinfo=ZoneInfo("UTC"))
            + timedelta(minutes=minute, seconds=59.9999),
            person=random.choice([INES, OWEN, 0]),
            field=random.choice(["email", "phones", "last_name"]),
            outcome=random.choice(list(Outcome)),
            customer=str(random.randrange(50)),
        )

    counted = activity.count(NOVEMBER)

    rows = [
        row
        for row in ChangedField.objects.all()
        if NOVEMBER.first <= row.recorded_at.astimezone(zone).date() <= NOVEMBER.last
    ]
    days = {day: Counter() for day in NOVEMBER.days}
    for row in rows:
        days[row.recorded_at.astimezone(zone).date()][row.outcome] += 1
    assert {day: counted.days.get(day, Counter()) for day in NOVEMBER.days} == days
    assert counted.fields == Counter(row.field for row in rows)
    assert counted.people == Counter(row.actor_key for row in rows)
    assert counted.outcomes == Counter(row.outcome for row in rows)
    assert counted.customers == len({row.customer_id for row in rows})


def test_a_period_without_a_change_counts_nothing():
    changed(at(9))

    counted = activity.count(Period(date(2026, 10, 1), date(2026, 10, 2)))

    assert (counted.fields, counted.customers, counted.outcomes) == (Counter(), 0, Counter())
    assert found(Period(date(2027, 1, 1), date(2027, 1, 2))) == []


# Worth a look


def test_many_changes_of_one_field_by_one_person_in_an_hour(settings, zone):
    settings.ACTIVITY_FIELD_AN_HOUR = 3
    first = datetime(2026, 11, 17, 14, tzinfo=ZoneInfo("UTC"))
    times = [first + timedelta(minutes=n) for n in (0, 20, 59)]

    changed(*times[:2])
    changed(times[2], person=OWEN)
    changed(times[2], field="phones")
    changed(times[0] + timedelta(hours=1))
    changed(*times, person=0)  # by nobody of this desk
    assert found() == []

    changed(first + timedelta(hours=2), *[first + timedelta(hours=2, minutes=n) for n in (30, 59)])
    assert found() == [("hour", 3)]


def test_what_happened_in_several_hours_is_found_once_at_its_worst(settings):
    settings.ACTIVITY_FIELD_AN_HOUR = 2
    changed(at(9, 1), at(9, 2), at(11, 1), at(11, 2), at(11, 3))

    [finding] = worth_a_look.look(NOVEMBER).findings

    assert (finding.count, finding.since, finding.others) == (3, at(11), 1)


def test_refusals_far_above_the_usual(settings, zone):
    settings.ACTIVITY_REFUSALS, settings.ACTIVITY_REFUSALS_TIMES = 4, 3
    for n in range(20, 0, -1):
        changed(
            at(9, day=DAY - timedelta(days=n)),
            at(10, day=DAY - timedelta(days=n)),
            outcome="refused",
        )

    changed(*[at(9, n) for n in range(5)], outcome="refused")
    assert found() == []

    changed(at(9, 6), outcome="refused")
    [finding] = worth_a_look.look(NOVEMBER).findings
    assert (finding.rule, finding.count, finding.usual) == ("refusals", 6, 2)
    assert (finding.since, finding.until) == (at(0), at(0, day=DAY + timedelta(days=1)))


def test_few_refusals_are_never_far_above_the_usual(settings):
    settings.ACTIVITY_REFUSALS = 4
    changed(at(9, day=DAY - timedelta(days=9)))
    changed(at(9, 1), at(9, 2), at(9, 3), outcome="refused")
    assert found() == []

    changed(at(9, 4), outcome="refused")
    assert found() == [("refusals", 4)]


def test_changes_at_an_hour_when_nobody_works(settings, zone):
    settings.ACTIVITY_QUIET_HOUR = 2
    for n in range(40, 0, -1):
        changed(at(9, 30, day=DAY - timedelta(days=n)))

    changed(at(2, 59))
    changed(at(2, 59), at(2, 59), person=0)
    changed(at(9, 10), at(9, 20))
    assert found() == []

    changed(at(2, 0, day=DAY + timedelta(days=1)), at(2, 1, day=DAY + timedelta(days=1)))
    assert found() == []  # somebody did the night before

    changed(
        at(3, 0, day=DAY + timedelta(days=1)), at(3, 1, day=DAY + timedelta(days=1)), person=OWEN
    )
    [finding] = worth_a_look.look(NOVEMBER).findings
    assert (finding.rule, finding.count, finding.people) == ("quiet", 2, (OWEN,))
    assert finding.since == at(3, day=DAY + timedelta(days=1))


def test_before_a_week_of_log_nothing_is_unusual(settings):
    settings.ACTIVITY_QUIET_HOUR = settings.ACTIVITY_REFUSALS = 1
    changed(at(9, day=DAY - timedelta(days=6)))
    changed(at(2), outcome="refused")

    assert found() == []


def test_many_profiles_opened_without_a_change(settings, zone):
    settings.ACTIVITY_VIEWS = 3
    noon = at(12, day=timezone.localdate() - timedelta(days=1))

    looked(*[noon] * 4, customers=["1", "2", "2", "9"])
    looked(noon - timedelta(days=1), customers=["3"])
    looked(noon, customers=["4"], person=OWEN)
    changed(noon, customer="9")
    assert found_lately() == []

    looked(noon, customers=["5"])
    assert found_lately() == [("views", 3)]


def test_many_reveals(settings):
    settings.ACTIVITY_REVEALS = 3
    noon = at(12, day=timezone.localdate() - timedelta(days=1))

    looked(noon, noon, kind="reveal")
    looked(noon + timedelta(days=1), kind="reveal")
    looked(noon, kind="reveal", person=OWEN)
    assert found_lately() == []

    looked(noon, kind="reveal")
    assert found_lately() == [("reveals", 3)]


def optin(**answers):
    return [{"channel": channel, "optin": answer} for channel, answer in answers.items()]


def test_opt_ins_switched_on_in_numbers(settings):
    settings.ACTIVITY_OPTINS_ON = 2

    recorded("optins", optin(SMS=False), optin(SMS=True), customer="1")
    recorded("optins", optin(SMS=True), optin(SMS=False), customer="2")
    recorded("optins", optin(SMS=True), optin(SMS=True, EMAIL=False), customer="3")
    recorded("optins", None, optin(SMS=True), customer="4", action="create")
    recorded("optins", optin(SMS=False), optin(SMS=True), customer="5", sub="owen")
    recorded("optins", optin(SMS=False, EMAIL=False), optin(SMS=False, EMAIL=True), customer="1")
    assert found_lately() == []

    recorded("optins", [], optin(EMAIL=True), customer="6")
    assert found_lately() == [("optins", 2)]
    today = timezone.localdate()
    [finding] = worth_a_look.look(Period(today - timedelta(days=1), today)).findings
    assert finding.field == "optins"  # its link leads to these changes alone


@pytest.mark.parametrize(
    ("field", "values", "other"),
    [
        ("email", ["tom@example.com", "TOM@example.com ", "Tom@Example.com"], "owen@example.com"),
        (
            "phones",
            [
                [{"number": "+33 6 12 34 56 78", "type": "MOBILE"}],
                [{"number": "+33612345678"}, {"number": "+331000"}],
                [{"number": "+33-612-345678"}],
            ],
            [{"number": "+33612345679"}],
        ),
    ],
)
def test_one_phone_or_email_set_on_many_customers(settings, field, values, other):
    settings.ACTIVITY_SAME_VALUE = 3

    recorded(field, None, values[0], customer="1")
    recorded(field, other, values[1], customer="2", sub="owen", action="create")
    recorded(field, None, values[2], customer="2")
    recorded(field, None, other, customer="3")
    recorded(field, values[0], values[1], customer="4")  # was there before
    assert found_lately() == []

    recorded(field, other, values[2], customer="5")
    today = timezone.localdate()
    [finding] = worth_a_look.look(Period(today, today)).findings
    assert (finding.rule, finding.count) == (field, 3)
    assert finding.customers == ("1", "2", "5")
    assert {*finding.people} == {INES, OWEN}


def test_what_cannot_be_read_is_no_value(settings):
    settings.ACTIVITY_SAME_VALUE = settings.ACTIVITY_OPTINS_ON = 1

    for field in ("email", "phones", "optins"):
        for odd in (None, 5, "", [5], [{"number": 7}], [{"channel": 5}], {"a": 1}):
            recorded(field, odd, odd, customer="1")

    assert found_lately() == []


def test_only_the_newest_values_are_opened(settings, monkeypatch):
    settings.ACTIVITY_SAME_VALUE = 2
    monkeypatch.setattr(worth_a_look, "MOST_OPENED", 2)
    today = timezone.localdate()

    for number in ("1", "2"):
        recorded("email", None, "tom@example.com", customer=number)
    recorded("last_name", "Smith", "Smithers", customer="3")
    assert found_lately() == [("email", 2)]

    recorded("email", None, "other@example.com", customer="4")
    assert worth_a_look.look(Period(today, today)) == ([], True)


def test_of_one_rule_the_largest_are_listed(settings, monkeypatch):
    settings.ACTIVITY_FIELD_AN_HOUR = 1
    monkeypatch.setattr(worth_a_look, "MOST", 2)
    for person, times in ((1, 1), (3, 3), (5, 2)):
        changed(*[at(9)] * times, person=person)

    assert found() == [("hour", 3), ("hour", 2)]
