"""Another database than the tests', and a process that knows only that."""

import io
import traceback
from contextlib import redirect_stdout

import pytest
from django.core.cache import cache
from django.db import connection

from tests.faults.conftest import FORK, let_go_of_the_database


@pytest.fixture(scope="session")
def elsewhere(django_db_blocker):
    """Run a function in a fork of this process: (what of the database's settings is another,
    function, *args). Gives back what it printed; what it raises is an AssertionError here.
    """

    def run(there, act, *args):
        let_go_of_the_database()
        hear, tell = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_act, args=(django_db_blocker, tell, there, act, args))
        process.start()
        tell.close()
        raised, said = hear.recv()
        process.join()
        assert not raised, raised
        return said

    return run


def _act(blocker, tell, there, act, args):
    blocker.unblock()
    connection.settings_dict.update(there)
    cache.clear()
    raised, said = "", io.StringIO()
    with redirect_stdout(said):
        try:
            act(*args)
        except BaseException:
            raised = traceback.format_exc()
    tell.send((raised, said.getvalue()))
    let_go_of_the_database()
