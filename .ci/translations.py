"""Every sentence of the source in each file of customers/locale.

update: bring new sentences into the files, to be translated. check: fail on one that is missing,
fuzzy, of no use any more, or with other placeholders than in English. Neither goes on with a
sentence that has a plural in one place and none in another: gettext finds no French for that.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob("customers/locale/*/LC_MESSAGES/django.po"))
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def main(act: str) -> int:
    template, faults = sentences(), []
    for file in FILES:
        if act == "update":
            catalog = read(file)
            made = catalog.creation_date
            catalog.update(template, no_fuzzy_matching=True)
            catalog.creation_date = made  # else two branches that add a sentence conflict
            file.write_bytes(written(catalog))
        name = file.relative_to(ROOT)
        faults += [f"{name}: {fault}" for fault in faults_of(read(file), template)]
    print("\n".join(faults) or "Every sentence is translated.")
    if faults and act == "check":
        print("Run `make messages`, and translate what it adds.")
    return act == "check" and bool(faults)


def read(file: Path) -> Catalog:
    return read_po(BytesIO(file.read_bytes()), locale=file.parts[-3])


def written(catalog: Catalog) -> bytes:
    """Without the lines of the header that Babel fills with addresses of nobody."""
    out = BytesIO()
    write_po(out, catalog, width=100, ignore_obsolete=True)
    fillers = (b"EMAIL@ADDRESS", b"YEAR-MO-DA", b"LL@li.org")
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not any(filler in line for filler in fillers))


def sentences() -> Catalog:
    """All that is marked for translation, in templates and in Python."""
    catalog, plurals = Catalog(), defaultdict(set)
    for path in sorted([*ROOT.glob("templates/**/*.html"), *ROOT.glob("c*/**/*.py")]):
        for _, message, _, context in extracted(path):
            place = [(str(path.relative_to(ROOT)), None)]
            catalog.add(message, locations=place, context=context)
            one, plural = message[:2] if isinstance(message, tuple) else (message, None)
            plurals[one, context].add(plural)
    if both := [one for (one, _), found in plurals.items() if len(found) > 1]:
        sys.exit(f"With a plural and without, or with two: {both}")
    return catalog


def extracted(path: Path) -> Iterator[tuple]:
    source = path.read_text()
    if path.suffix == ".html":
        # Django makes of a template something like Python, indented at random.
        source = "\n".join(map(str.strip, templatize(source, origin=str(path)).splitlines()))
    return extract("python", BytesIO(source.encode()), KEYWORDS)


def faults_of(catalog: Catalog, template: Catalog) -> Iterator[str]:
    known, needed = ({key(one) for one in each if one.id} for each in (catalog, template))
    yield from (f"not in the file: {one[0]}" for one in sorted(needed - known, key=str))
    yield from (f"no longer in the source: {one[0]}" for one in sorted(known - needed, key=str))
    for message in catalog:
        texts = message.string if isinstance(message.string, tuple) else [message.string]
        if message.id and not all(texts):
            yield f"not translated: {message.id}"
        elif message.id and message.fuzzy:
            yield f"fuzzy: {message.id}"
    yield from (f"{error}: {message.id}" for message, errors in catalog.check() for error in errors)


def key(message: Message) -> tuple:
    return message.id, message.context


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
