"""What documents name is there."""

import re

import pytest

from tests.demo import ROOT

pytestmark = pytest.mark.once
SECURITY = (ROOT / "docs/security.md").read_text()


def source(*folders):
    return "\n".join(
        file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")
    )


def test_each_test_and_setting_that_shows_a_requirement_is_there():
    tests = set(re.findall(r"def (test_\w+)", source("tests")))
    settings = set(re.findall(r"[A-Z][A-Z_0-9]+", source("crmadmin", "customers")))
    named = re.findall(r"`(test_\w+|[A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`", SECURITY)

    assert len(named) > 150
    assert [one for one in named if one not in tests | settings | {"NAME_FILE"}] == []


def test_each_file_that_a_document_links_to_or_names_is_there():
    for document in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]:
        said = document.read_text()
        links = re.findall(r"\]\((?!https?:)([^)#]+)", said)
        missing = [link for link in links if not (document.parent / link).exists()]
        assert missing == [], document.name
    files = re.findall(
        r"`((?:crmadmin|customers|static|tests|docs|requirements)/[\w./]+)`", SECURITY
    )
    assert [file for file in files if not (ROOT / file).exists()] == []
