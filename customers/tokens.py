"""The token of a form: the change id, minted when the form is rendered.

It is bound to the person, the customer and the fields, and carries what the person saw as keyed
digests. So a form sent twice is one change, and nobody can send another's form. A digest is of the
form under which values that mean the same to a person are one: phones in another order are no
conflict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from customers.access import Actor
from customers.clubmed.profile import Json
from customers.fields import FIELDS
from customers.kinds import canonical


@dataclass(frozen=True)
class Token:
    """change_id: of the change that the form makes. seen: field -> digest of the value shown."""

    change_id: UUID
    seen: Mapping[str, str]

    def vouches_for(self, name: str, value: Json) -> bool:
        """Does this mean what the person saw of that field? Also under a former SECRET_KEY."""
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        digests = (digest(FIELDS[name].seen(value), secret=key) for key in keys)
        return any(constant_time_compare(self.seen.get(name, ""), made) for made in digests)


def digest(value: Json, *, secret: str | None = None) -> str:
    """A value, in the form that is compared, as a keyed digest: comparable, not readable."""
    text = canonical(value)
    return salted_hmac("crmadmin.seen", text, secret=secret, algorithm="sha256").hexdigest()


def mint(*, actor: Actor, form: str, seen: Mapping[str, Json]) -> str:
    """A new token. form: which form it is good for, "123456789/email" or "new". seen: field ->
    the value shown.
    """
    seen_digests = {name: digest(FIELDS[name].seen(value)) for name, value in seen.items()}
    return signing.dumps([uuid4().hex, seen_digests], salt=_salt(actor, form))


def read(token: str, *, actor: Actor, form: str) -> Token | None:
    """The token again; None if it is none of ours for this person and this form."""
    try:
        change_id, seen = signing.loads(token, salt=_salt(actor, form))
    except signing.BadSignature:
        return None
    return Token(UUID(change_id), seen)


def _salt(actor: Actor, form: str) -> str:
    return f"crmadmin.form {actor.key} {form}"
