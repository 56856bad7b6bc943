"""Where the bearer token comes from."""

from dataclasses import dataclass, field
from typing import Protocol


class TokenSource(Protocol):
    """Gives the token for the next call.

    Raises NotSentError where there is none: nothing has been sent then.
    """

    def token(self) -> str: ...

    def renew(self, rejected: str) -> bool:
        """After a 401: is there now another token than the rejected one? Raises nothing."""


@dataclass(frozen=True)
class StaticToken:
    """A fixed token, from the environment."""

    value: str = field(repr=False)

    def token(self) -> str:
        return self.value

    def renew(self, rejected: str) -> bool:
        return False
