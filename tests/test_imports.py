"""Imports point inward: templates ← views ← nothing; services over (clubmed, audit, fields)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Which modules a part of the house may not know.
FORBIDDEN = {
    "customers/clubmed": ["django", "customers.models", "customers.views", "customers.services",
                          "customers.audit", "customers.fields", "customers.forms", "crmadmin"],
    "customers/kinds.py": ["django", "customers.models", "customers.services", "crmadmin"],
    "customers/fields.py": ["django", "customers.models", "customers.services", "crmadmin"],
    "customers/access.py": ["django", "customers.models", "customers.services", "crmadmin"],
    "customers/models.py": ["customers.services", "customers.audit", "customers.views", "crmadmin"],
    "customers/audit": ["django.http", "customers.views", "customers.services", "customers.forms",
                        "customers.http", "customers.clubmed.client", "crmadmin", "requests"],
    "customers/services.py": ["django.http", "django.template", "customers.views",
                              "customers.forms", "customers.http", "crmadmin", "requests"],
    "customers/settling.py": ["django.http", "customers.views", "customers.services", "crmadmin",
                              "customers.clubmed.client", "customers.forms", "requests"],
    "customers/encryption.py": ["customers", "crmadmin"],
    "customers/secrets.py": ["django", "customers.fields", "customers.models", "customers.services",
                             "crmadmin"],
    "customers/refusals.py": ["django", "customers.models", "customers.services", "crmadmin"],
    "customers/forgetting.py": ["django.http", "customers.views", "customers.forms",
                                "customers.http", "crmadmin", "requests"],
    "customers/expiring.py": ["django.http", "customers.views", "customers.forms",
                              "customers.http", "customers.clubmed", "crmadmin", "requests"],
    "customers/reconciling.py": ["django.http", "customers.views", "customers.forms",
                                 "customers.http", "crmadmin", "requests"],
    "customers/twins.py": ["django.http", "customers.views", "customers.services", "crmadmin"],
    "customers/audit/verifier.py": ["django", "customers", "crmadmin"],
    "customers/record.py": ["django.http", "customers.views", "customers.services", "crmadmin"],
    "customers/forms.py": ["customers.views", "customers.services", "customers.models", "crmadmin"],
    "customers/views": ["customers.clubmed.client", "customers.audit.journal",
                        "customers.audit.entries", "customers.audit.chain", "customers.audit.rows",
                        "customers.audit.keys", "crmadmin", "requests"],
}  # fmt: skip


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(part):
    place = ROOT / part
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_knows_nothing_of_what_stands_outside_it(part):
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(part)
        for name in imported(path)
        for forbidden in FORBIDDEN[part]
        if name == forbidden or name.startswith(f"{forbidden}.")
    ]
    assert found == []


def test_nothing_below_a_view_sees_the_request():
    below = ["audit", "clubmed", "services.py", "fields.py", "kinds.py", "record.py", "models.py"]
    for part in below:
        for path in files(f"customers/{part}"):
            if "sandbox" in path.parts:  # a server of its own: its requests are its trade
                continue
            names = [
                argument.arg
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.FunctionDef)
                for argument in (*node.args.args, *node.args.kwonlyargs)
            ]
            assert "request" not in names, path


def test_there_is_no_room_for_leftovers():
    names = {
        path.stem for part in ("crmadmin", "customers") for path in (ROOT / part).rglob("*.py")
    }

    assert names.isdisjoint({"utils", "helpers", "common", "misc", "signals"})
