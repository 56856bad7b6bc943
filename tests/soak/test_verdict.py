"""What the soak would say of a log that is not true."""

import pytest

from tests.soak.club_med import Stored
from tests.soak.people import Told
from tests.soak.verdict import Log, faults

pytestmark = pytest.mark.once

CHANGE = {"change": "c1", "action": "change", "customer": "1", "field": "email", "who": "agent-1"}
CHANGE |= {"new": "new", "outcome": "applied", "evidence": "answer"}
AGAIN = CHANGE | {"outcome": "stored_as", "evidence": "read"}
STORED = Stored("1", "email", "NEW")


@pytest.mark.parametrize(
    ("stored", "entries", "says"),
    [
        ([STORED], [CHANGE, AGAIN], []),
        ([STORED], [CHANGE | {"outcome": "not_seen"}, CHANGE], []),
        ([STORED], [], ["new has no entry"]),
        ([STORED, STORED], [CHANGE], ["new was stored 2 times"]),
        ([STORED], [CHANGE, CHANGE], ["new is ('applied', 'answer') 2 times"]),
        ([STORED], [CHANGE, AGAIN | {"change": "c2"}], ["new is in two changes"]),
        ([STORED], [CHANGE | {"who": "agent-2"}], ["new is not agent-1's"]),
        (
            [STORED],
            [CHANGE | {"outcome": "refused"}],
            ["new is said to be refused, and was stored"],
        ),
        (
            [STORED],
            [CHANGE | {"outcome": "unclear"}],
            ["new stands at Club Med, and is said to be unclear"],
        ),
        (
            [],
            [CHANGE],
            ["new is said to be applied, and never was", "new was told to be saved"],
        ),
    ],
)
def test_each_way_not_to_be_true_is_found(stored, entries, says):
    told = Told(typed={"new": "agent-1"}, saved={"new"})

    assert faults(stored, told, Log(entries)) == says
