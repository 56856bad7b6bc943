"""The company's sign-in: whoever comes with a cookie of a name is that person."""

import json
import threading
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests import hostile_provider as hostile

GROUPS = {"agent": "crm-agents", "supervisor": "crm-supervisors"}


class Company(hostile.HostileProvider):
    """is_gone: it answers that it cannot answer."""

    def __init__(self):
        super().__init__()
        self.is_gone = False
        self._one_by_one = threading.Lock()

    def answer(self, asked):
        if self.is_gone:
            return 503, {}
        if asked.path == hostile.AUTHORIZE:
            person = SimpleCookie(asked.headers["Cookie"])["person"].value
            code = json.dumps([person, asked.form["nonce"]])
            told = {"state": asked.form["state"], "code": code}
            return 302, f"{asked.form['redirect_uri']}?{urlencode(told)}"
        if asked.path != hostile.TOKEN:
            return super().answer(asked)
        person, nonce = json.loads(asked.form["code"])
        role, _ = person.split("-")
        with self._one_by_one:
            self.nonce = nonce
            self.claims = {"sub": person, "name": f"Staff {person}", "groups": [GROUPS[role]]}
            return super().answer(asked)
