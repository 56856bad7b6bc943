from collections.abc import Iterator

import pytest
import requests

from crmadmin.sandbox import Sandbox
from tests.crmadmin.sandbox_api import Api


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    with requests.Session() as session:
        session.trust_env = False
        yield Api(sandbox.url, session)
