"""What bounds a call of Club Med bounds a call of the company's OpenID provider, too."""

import os
from typing import Any

import requests

from customers.clubmed.transport import bound, within


class BoundedSession(requests.Session):
    """One hard deadline for each whole answer, a largest answer, and no redirects.

    A proxy of the environment is not used; the certificates of REQUESTS_CA_BUNDLE are.
    """

    seconds: float = 5
    was_sent = False  # did a byte of the last call go out?

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bound(self)
        self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        with within(self.seconds) as call:
            try:
                return super().send(request, **kwargs)
            finally:
                self.was_sent = call.was_sent
