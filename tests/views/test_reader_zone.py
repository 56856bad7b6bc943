"""The person's day: in the zone of their browser, wherever times and days stand."""

from datetime import UTC, date, timedelta

import pytest
from django.utils import timezone

from customers.forms.plain import DateField
from tests.acts import change
from tests.conftest import TOM, text

pytestmark = pytest.mark.once
LATE = (timezone.now() - timedelta(days=1)).replace(hour=23, minute=30, second=12, microsecond=0)
DAY = LATE.date()
NEXT = DAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def own_zone_again():
    """What a request has made the zone of its thread stays until the next one."""
    yield
    timezone.deactivate()


@pytest.fixture
def late(agent, supervisor, monkeypatch):
    """A change of half past eleven at night in UTC, which is no time ago; a supervisor reads it."""
    monkeypatch.setattr(timezone, "now", lambda: LATE)
    change(agent, "new@example.com")
    supervisor.cookies["crmadmin_timezone"] = "Europe/Paris"
    return supervisor


def first_time(page):
    return page.select_one("tbody.change time")


def test_a_list_shows_the_time_and_the_day_of_the_reader_and_utc_on_hover(late):
    page = late.page("/audit/")
    local = first_time(page)
    hour = "01" if timezone.localtime(LATE, timezone.get_current_timezone()).dst() else "00"

    assert local.get_text() == f"{hour}:30:12"
    assert local["title"].endswith("23:30:12 UTC")
    assert local["datetime"] == f"{DAY}T23:30:12.000+00:00"
    assert f"Today, {NEXT:%A} {NEXT.day} {NEXT:%B %Y}" in text(page)
    assert "Times: Europe/Paris." in text(page)

    del late.cookies["crmadmin_timezone"]  # the tests' own zone is UTC
    page = late.page("/audit/")
    assert first_time(page).get_text() == "23:30:12"
    assert f"Today, {DAY:%A} {DAY.day} {DAY:%B %Y}" in text(page)


def test_a_filters_days_begin_when_the_readers_do(late):
    assert late.page(f"/audit/?from={NEXT}&to={NEXT}").select("tbody.change")
    assert not late.page(f"/audit/?from={DAY}&to={DAY}").select("tbody.change")
    assert f"from={NEXT}&to={NEXT}" in str(late.get("/audit/").content.decode()).replace("amp;", "")

    late.cookies["crmadmin_timezone"] = "UTC"
    assert late.page(f"/audit/?from={DAY}&to={DAY}").select("tbody.change")


def test_profile_change_and_activity_are_of_the_readers_day(late):
    number = late.page("/audit/").select_one(".when a")["href"]
    assert f"{NEXT:%A} {NEXT.day} {NEXT:%B %Y} at" in text(late.page(number).select_one(".lede"))
    read = late.page(f"/customers/{TOM}/").select_one(".record-title .actions time")
    assert read["title"].endswith("23:30:12 UTC")
    busiest = text(late.page(f"/audit/activity/?from={NEXT}&to={NEXT}"))
    assert f"Busiest: {NEXT.day} {NEXT:%B} with 1 change" in busiest


def test_an_export_keeps_both_clocks(late):
    lines = b"".join(late.post("/audit/export.csv").streaming_content).decode().splitlines()
    local, utc = lines[1].split(",")[:2]
    assert local.startswith(f"{NEXT}")
    assert utc == f"{DAY}T23:30:12Z"


def test_a_hostile_zone_is_none(late, settings):
    settings.READER_ZONE = "Asia/Tokyo"
    for zone in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "é" * 4000):
        late.cookies["crmadmin_timezone"] = zone
        assert first_time(late.page("/audit/")).get_text() == "08:30:12"


def test_a_birthday_may_be_today_wherever_it_already_is(monkeypatch):
    noon = timezone.now().replace(year=2026, month=6, day=14, hour=12)
    monkeypatch.setattr(timezone, "now", lambda: noon.astimezone(UTC))
    assert DateField().clean("15/06/2026") == f"{date(2026, 6, 15):%Y%m%d}"
    with pytest.raises(Exception, match="future"):
        DateField().clean("16/06/2026")


def test_a_birthday_may_be_new_years_day_where_the_year_has_already_begun(monkeypatch):
    noon = timezone.now().replace(year=2026, month=12, day=31, hour=12)
    monkeypatch.setattr(timezone, "now", lambda: noon.astimezone(UTC))
    assert DateField().clean("01/01/2027") == "20270101"
    with pytest.raises(Exception, match="future"):
        DateField().clean("02/01/2027")
