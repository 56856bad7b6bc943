"""What Prometheus is told, and by whom it may be read."""

import re

import pytest

from crmadmin.sandbox import Fault
from tests.conftest import TOM

pytestmark = pytest.mark.django_db(transaction=True)
URL = f"/customers/{TOM}/fields/email/"


def told(client, **headers):
    """Each sample, by its name with its labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def grown(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}


@pytest.mark.once
def test_answers_calls_and_accesses_are_counted_by_route_and_outcome(agent, clubmed):
    before = told(agent)

    agent.get(f"/customers/{TOM}/")
    agent.post(URL, agent.form(URL) | {"value": "new@example.com"})
    clubmed.faults.add(Fault("status", method="PATCH", status=422))
    agent.post(URL, agent.form(URL) | {"value": "newer@example.com"})

    counted = grown(before, told(agent))
    profile, field = (
        "customers/<str:customer_id>/",
        "customers/<str:customer_id>/fields/<str:name>/",
    )
    assert counted[f'crmadmin_requests_total{{route="{profile}",status="200"}}'] == 1
    assert counted[f'crmadmin_requests_total{{route="{field}",status="422"}}'] == 1
    assert counted[f'crmadmin_request_seconds_count{{route="{profile}"}}'] == 1
    patch = "PATCH /v1/customers/{customer_id}/profile"
    assert counted[f'crmadmin_calls_total{{outcome="204",route="{patch}"}}'] == 1
    assert counted[f'crmadmin_call_seconds_count{{route="{patch}"}}'] == 2
    assert counted['crmadmin_access_events_total{kind="view"}'] == 1


def test_how_the_log_stands_is_told(agent, clubmed):
    agent.post(URL, agent.form(URL) | {"value": "new@example.com"})

    now = told(agent)

    assert now["crmadmin_log_entries"] == 1
    assert now["crmadmin_journal_lines"] == now["crmadmin_unclear_changes"] == 0
    assert now["crmadmin_log_broken"] == 0


def test_what_waits_for_an_answer_is_told(agent, clubmed):
    clubmed.faults.add(Fault("drop_after", method="PATCH"))
    agent.post(URL, agent.form(URL) | {"value": "new@example.com"})

    assert told(agent)["crmadmin_journal_lines"] == 1


@pytest.mark.once
@pytest.mark.parametrize(
    ("token", "headers", "address", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "192.0.2.7", 401),
        ("", {"X-Forwarded-For": "192.0.2.7"}, "127.0.0.1", 401),
        ("secret", {}, "127.0.0.1", 401),
        ("secret", {"Authorization": "Bearer wrong"}, "127.0.0.1", 401),
        ("secret", {"Authorization": "Bearer secret"}, "192.0.2.7", 200),
    ],
)
def test_it_is_for_this_machine_or_who_has_the_token(
    client, settings, token, headers, address, status
):
    settings.METRICS_TOKEN = token

    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)

    assert answer.status_code == status


@pytest.mark.once
def test_a_machine_is_not_led_elsewhere(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/metrics").status_code == 200
    assert client.get("/").status_code == 301


@pytest.mark.once
@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_rules_and_dashboard_name_metrics_that_there_are(agent, settings, file):
    agent.get(f"/customers/{TOM}/")
    given = {sample.partition("{")[0] for sample in told(agent)}

    named = set(re.findall(r"crmadmin_\w+", (settings.BASE_DIR / "docs" / file).read_text()))

    assert named <= given
