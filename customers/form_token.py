"""The token of a form: the change id, minted when the form is rendered.

It is bound to the person, the customer and the fields, and carries what the person saw as keyed
digests. So a form sent twice is one change, and nobody can send another's form. A digest is of the
form under which values that mean the same to a person are one: phones in another order are no
conflict. It is good with its change id alone: who reads two tokens learns of no value that they
have in common.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from customers.access import Actor
from customers.catalogue.compare import canonical
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json


@dataclass(frozen=True)
class Token:
    """change_id: of the change that the form makes. seen: field -> digest of the value shown.
    body: digest of the one body that the form may send; "" for any.
    """

    change_id: UUID
    seen: Mapping[str, str]
    body: str = ""

    def vouches_for(self, name: str, value: Json) -> bool:
        """Does this mean what the person saw of that field?"""
        return self._is(self.seen.get(name, ""), FIELDS[name].fingerprint(value))

    def allows(self, body: Mapping[str, Json]) -> bool:
        """Is this what the person was shown before, if they were?"""
        return not self.body or self._is(self.body, body)

    def _is(self, made: str, value: Any) -> bool:
        """Is the digest of this value, also under a former SECRET_KEY?"""
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        digests = (_digest(self.change_id, value, secret=key) for key in keys)
        return any(constant_time_compare(made, digest) for digest in digests)


def mint(
    *,
    actor: Actor,
    form: str,
    seen: Mapping[str, Json],
    body: Mapping[str, Json] | None = None,
) -> str:
    """A new token. form: which form it is good for, "123456789/email" or "new". seen: field ->
    the value shown. body: the only one that may be sent.
    """
    change_id = uuid4()
    digests = {
        name: _digest(change_id, FIELDS[name].fingerprint(value)) for name, value in seen.items()
    }
    only = _digest(change_id, body) if body else ""
    return signing.dumps([change_id.hex, digests, only], salt=_salt(actor, form))


def read(token: str, *, actor: Actor, form: str) -> Token | None:
    """The token again; None if it is none of ours for this person and this form."""
    try:
        change_id, *digests = signing.loads(token, salt=_salt(actor, form))
    except signing.BadSignature:
        return None
    return Token(UUID(change_id), *digests)


def _digest(change_id: UUID, value: Any, *, secret: str | None = None) -> str:
    """A value, in the form that is compared, as a keyed digest: comparable, not readable."""
    salt, text = f"crmadmin.seen {change_id}", canonical(value)
    return salted_hmac(salt, text, secret=secret, algorithm="sha256").hexdigest()


def _salt(actor: Actor, form: str) -> str:
    return f"crmadmin.form {actor.key} {form}"
