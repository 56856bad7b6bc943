"""What a browser may do with what is typed: neither complete it nor send it away to be checked."""

import pytest

from tests.conftest import TOM

pytestmark = pytest.mark.once
GROUPS = [f"/customers/{TOM}/groups/{group}/" for group in ("identity", "contact", "preferences")]
ALONE = [f"/customers/{TOM}/fields/{name}/" for name in ("email", "last_name", "phones", "address")]
OTHERS = ["/", "/customers/new/", "/audit/?from=x", "/audit/looks/", f"/customers/{TOM}/forget/"]
TYPED = ["text", "email", "tel", "search"]
RULES = {"autocomplete": "off", "spellcheck": "false", "dir": "auto"}


@pytest.mark.parametrize("path", [f"/customers/{TOM}/", *GROUPS, *ALONE, *OTHERS])
def test_no_browser_completes_or_checks_what_is_typed(supervisor, path):
    supervisor.get(f"/customers/{TOM}/")

    inputs = supervisor.page(path).select("textarea, input")

    typed = [one for one in inputs if one.get("type", "text") in TYPED]
    assert typed
    assert [one for one in typed if not RULES.items() <= one.attrs.items()] == []
