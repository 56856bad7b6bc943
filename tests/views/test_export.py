"""Exports of the log: what the filters list, as a file; recorded before the first byte."""

import csv
import io
import json

import pytest
from django.db import DatabaseError

from customers.audit import access_events
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import AccessEvent, Change
from tests.acts import change, forget
from tests.conftest import TOM, soup, text
from tests.log import append, verify_alone_here

JUMI = "704118236"


def body(answer):
    return b"".join(answer.streaming_content).decode("utf-8")


def rows(answer):
    """The rows of a CSV export, each as {title: cell}, and its last line."""
    written = body(answer)
    assert written.startswith("\ufeff")
    *table, [end] = csv.reader(io.StringIO(written.removeprefix("\ufeff")))
    titles, *lines = table
    return [dict(zip(titles, line, strict=True)) for line in lines], end


def recorded():
    """(kind, format or field, filter, purpose) of each export and reveal."""
    events = AccessEvent.objects.filter(kind__in=["export", "reveal"]).order_by("id")
    return [(e.kind, e.field, e.query, e.purpose) for e in events]


@pytest.fixture
def lively(agent, other_agent):
    change(agent, "one@example.com")
    change(agent, "Lyon", "birth_city")
    change(other_agent, "two@example.com")


def test_csv_holds_a_row_a_field_newest_first_and_marks_its_end(lively, supervisor):
    lines, end = rows(supervisor.get("/audit/export.csv"))

    assert [line["New value"] for line in lines] == ["two@example.com", "Lyon", "one@example.com"]
    assert end == "End of the export: 3 rows. A file without this line is not whole."
    oldest, row = lines[-1], Change.objects.order_by("seq").first()
    assert oldest["Old value"] == "tom@example.com"
    assert (oldest["Person"], oldest["Role"]) == ("Inès Moreau", "agent")
    assert (oldest["Customer number"], oldest["Customer"]) == (TOM, "Tom Smith")
    assert (oldest["Field"], oldest["Action"], oldest["Outcome"]) == (
        "E-mail",
        "Changed",
        "Applied",
    )
    assert oldest["Time, UTC"] == row.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (oldest["Change"], oldest["Entry"]) == (str(row.pk), "1")


def test_a_list_or_an_object_is_told_by_its_members_as_in_the_list(agent, supervisor):
    old = [{"channel": "SMS", "optin": True}, {"channel": "EMAIL", "optin": True}]
    new = [{"channel": "SMS", "optin": False}, {"channel": "EMAIL", "optin": True}]
    address = {"street": "Rue A", "zip_code": "69001", "city": "Lyon"}
    moved = address | {"street": "Rue B", "city": "Bron"}
    append(FieldOutcome("optins", old, new, Outcome.APPLIED))
    append(FieldOutcome("address", address, moved, Outcome.APPLIED))

    several, one = rows(supervisor.get("/audit/export.csv"))[0]

    assert (one["Field"], one["Old value"], one["New value"]) == ("Opt-ins, SMS", "Yes", "No")
    listed = supervisor.page("/audit/").select("td.field-name")
    assert [text(cell) for cell in listed] == [several["Field"], one["Field"]]
    assert several["Old value"] == "Street: Rue A; City: Lyon"
    assert several["New value"] == "Street: Rue B; City: Bron"


@pytest.mark.parametrize(
    "query", ["", "field=email", "field=email&field=birth_city", f"customer={JUMI}", "flag=reverts"]
)
def test_an_export_holds_what_the_list_shows(lively, supervisor, query):
    listed = [cell.get_text() for cell in supervisor.page(f"/audit/?{query}").select(".diff-new")]

    answer = supervisor.get(f"/audit/export.csv?{query}")

    if not listed:
        assert "Nothing to export" in text(soup(answer))
        return
    assert [line["New value"] for line in rows(answer)[0]] == listed
    file = supervisor.get(f"/audit/export.ndjson?{query}")
    inside = [json.loads(line) for line in body(file).splitlines()]
    in_full = [line["values"]["new"]["text"] for line in inside if "content" in line]
    assert [json.loads(value) for value in reversed(in_full)] == listed


def test_ndjson_is_whole_for_the_verifier_and_reduces_what_is_outside(lively, supervisor, tmp_path):
    path = tmp_path / "export.ndjson"
    path.write_text(body(supervisor.get("/audit/export.ndjson?field=birth_city")))

    assert verify_alone_here(path) == (
        0,
        "entries 1 to 3: whole, 0 seals compared, 1 entries in full\n",
    )
    cut = path.read_text().splitlines()[:-1]
    path.write_text("\n".join(cut))
    assert verify_alone_here(path)[0] == 2


@pytest.mark.once
@pytest.mark.parametrize("query", ["from=2026-02-30", "customer=abc", "person=1&" * 10_000])
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_filter_that_the_list_refuses_is_refused(lively, supervisor, kind, query):
    answer = supervisor.get(f"/audit/export.{kind}?{query}")

    assert answer.status_code == 422
    assert "Nothing was exported" in text(soup(answer))
    assert recorded() == []


def test_an_export_is_recorded_with_its_filter_before_its_first_byte(lively, supervisor):
    supervisor.get("/audit/export.csv?field=email&from=2020-01-01")

    assert recorded() == [("export", "csv", "field=email&from=2020-01-01", "")]
    shown = supervisor.page("/audit/looks/?kind=export")
    assert "CSV. field=email&from=2020-01-01" in text(shown.select_one("td.reason"))


def test_what_cannot_be_recorded_is_not_exported(lively, supervisor, monkeypatch):
    def fails(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(access_events, "record", fails)
    answer = supervisor.get("/audit/export.csv")

    assert answer.status_code == 503
    assert "Nothing was exported." in text(soup(answer))


def test_sensitive_values_are_hidden_unless_asked_for_with_a_purpose(supervisor, auditor):
    append(FieldOutcome("health_pass_id", None, "HP-1-2-3", Outcome.APPLIED))
    asked = {"reveal": "on", "purpose": "review"}

    def value(answer):
        return next(r["New value"] for r in rows(answer)[0] if r["Field"] == "Health pass")

    assert value(supervisor.get("/audit/export.csv")) == "hidden"
    assert value(auditor.post("/audit/export.csv", asked)) == "hidden"
    assert value(supervisor.post("/audit/export.csv", asked)) == "HP-1-2-3"
    assert recorded()[-2:] == [("export", "csv", "", ""), ("reveal", "", "", "review")]
    without = supervisor.post("/audit/export.csv", {"reveal": "on", "purpose": ""})
    assert without.status_code == 422
    assert "Choose one from the list." in text(soup(without))
    for answer, is_there in (
        (supervisor.get("/audit/export.ndjson"), False),
        (supervisor.post("/audit/export.ndjson", asked), True),
    ):
        assert ("HP-1-2-3" in body(answer)) is is_there


@pytest.mark.once
@pytest.mark.parametrize("typed", ["=1+1", "+33 1", "-2", "@sum"])
def test_cells_that_look_like_a_formula_are_made_harmless(agent, supervisor, typed):
    change(agent, typed, "birth_city")

    [line], _ = rows(supervisor.get("/audit/export.csv"))

    assert line["New value"] == f"'{typed}"


def test_a_forgotten_customer_reads_erased(agent, supervisor):
    change(agent, "one@example.com")
    forget()

    lines, _ = rows(supervisor.get("/audit/export.csv?field=email"))

    assert [(line["Old value"], line["New value"]) for line in lines] == [("erased", "erased")]


@pytest.mark.once
def test_the_page_before_says_what_will_be_in_the_file(lively, supervisor, auditor):
    page = supervisor.page("/audit/export/?field=email")

    assert "E-mail" in text(page.select_one(".chips"))
    assert [button.get("formaction") for button in page.select("#export button")] == [
        None,
        "/audit/export.ndjson?field=email",
    ]
    assert page.select_one("#export")["action"] == "/audit/export.csv?field=email"
    assert "Values of sensitive fields stay hidden." in text(auditor.page("/audit/export/"))
