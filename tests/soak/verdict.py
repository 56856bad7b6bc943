"""What Club Med really stored, beside what the log says and what people were told."""

from collections import Counter, defaultdict


class Log:
    """The entries of people's changes, by the value that was typed; each value was typed once."""

    def __init__(self, entries):
        self.by_value = defaultdict(list)
        self.elsewhere = []
        for entry in entries:
            if entry["action"] == "elsewhere":
                self.elsewhere.append(entry)
            elif entry["new"] == "not kept":  # of a create that Club Med refused
                continue
            elif entry["field"] == "first_name" or entry["action"] == "change":
                self.by_value[entry["new"].casefold()].append(entry)

    def outcome(self, value):
        """What the log says in the end; "" of what it does not know."""
        entries = self.by_value.get(value, ())
        said = [one["outcome"] for one in entries if one["outcome"] != "stored_as"]
        return said[-1] if said else ""


def faults(stored, told, log, created=()):
    """What is wrong: a line each. stored, created: as of `ClubMed`; told: as of `Told`."""
    times = Counter(one.value.casefold() for one in stored)
    wrong = [f"{value} was stored {n} times" for value, n in times.items() if n > 1]
    wrong += [f"{value} has no entry" for value in times if value not in log.by_value]
    wrong += [f"{one} was created {n} times" for one, n in Counter(created).items() if n > 1]
    wrong += _of_entries(log, times, told.typed)
    wrong += [f"{value} was told to be saved" for value in told.saved if value not in times]
    wrong += [f"{value} was told not to be sent" for value in told.not_sent if value in times]
    wrong += _not_settled(stored, log)
    return wrong + [f"text was lost at {path}: {when}" for path, when in told.lost]


def _of_entries(log, stored, typed):
    for value, entries in log.by_value.items():
        outcome = log.outcome(value)
        if len({one["change"] for one in entries}) > 1:
            yield f"{value} is in two changes"
        if {one["who"] for one in entries} != {typed.get(value)}:
            yield f"{value} is not {typed.get(value)}'s"
        said = Counter((one["outcome"], one["evidence"]) for one in entries)
        yield from (f"{value} is {one} {n} times" for one, n in said.items() if n > 1)
        if outcome == "applied" and value not in stored:
            yield f"{value} is said to be applied, and never was"
        if outcome in ("refused", "not_applied") and value in stored:
            yield f"{value} is said to be {outcome}, and was stored"
    for one in log.elsewhere:
        if one["new"].casefold() in typed:
            yield f"{one['new']} was typed here, and is said to come from elsewhere"


def _not_settled(stored, log):
    """What stands at Club Med and is not said to. A create got no number to look for."""
    standing = {(one.customer_id, one.field): one for one in stored}
    for one in standing.values():
        value = one.value.casefold()
        if log.outcome(value) in ("not_seen", "unclear") and not one.is_create:
            yield f"{value} stands at Club Med, and is said to be {log.outcome(value)}"


def summary(club_med, told, entries, befell):
    """What happened, for who runs it by hand."""
    outcomes = Counter(f"{one['action']} {one['outcome']} ({one['evidence']})" for one in entries)
    lines = {
        "befell": befell,
        "answers": told.answers,
        "entries": outcomes,
        "Club Med": {"called": len(club_med.requests), "stored": len(club_med.stored)},
        "people": {"typed": len(told.typed), "created": len(club_med.created)},
    }
    return "\n".join(
        f"{name}: {', '.join(f'{what} {n}' for what, n in counted.items())}"
        for name, counted in lines.items()
    )
