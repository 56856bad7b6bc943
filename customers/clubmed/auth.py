"""Where the bearer token comes from."""

from dataclasses import dataclass, field
from typing import Protocol


class TokenSource(Protocol):
    """Gives the token for the next call."""

    def token(self) -> str: ...


@dataclass(frozen=True)
class StaticToken:
    """A fixed token, from the environment."""

    value: str = field(repr=False)

    def token(self) -> str:
        return self.value
