"""An access report as text: JSON, or a page to read. Row by row, so that memory stays flat."""

import json
import re
from collections.abc import Iterator

from django.template.loader import get_template, render_to_string

from customers.services.report import Report

_PLACE = re.compile("<!-- (\\w+) -->")  # for the rows of a part; escaped text holds no such thing
# Control characters, but for tabs and ends of lines, as their pictures: HTML drops them, or takes
# their numbers for other characters.
_PICTURES = {n: chr(0x2400 + n) for n in range(32) if chr(n) not in "\t\n\r"}
_PICTURES |= dict.fromkeys(range(0x7F, 0xA0), "\ufffd")


def as_json(report: Report) -> Iterator[str]:
    """One object, a row a line, in ASCII."""
    yield json.dumps(report.head)[:-1]
    for name, rows in report.parts.items():
        yield f',\n"{name}": ['
        for n, row in enumerate(rows):
            yield f"{',' if n else ''}\n{json.dumps(row)}"
        yield "\n]"
    yield "\n}\n"


def as_html(report: Report) -> Iterator[str]:
    """One page that loads nothing, to be read or printed, in ASCII."""
    page = _PLACE.split(render_to_string("audit/report.html", report.head))
    for n, text in enumerate(page):
        if n % 2 == 0:
            yield _in_ascii(text)
        else:  # the name of a part
            template = get_template(f"audit/_report_{text}.html")
            for row in report.parts[text]:
                yield _in_ascii(template.render(report.head | {"row": row}))


def _in_ascii(html: str) -> str:
    """The same for a browser, in whatever encoding it is written and whatever a value holds."""
    return html.translate(_PICTURES).encode("ascii", "xmlcharrefreplace").decode()
