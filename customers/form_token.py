"""The token of a form: the change id, minted when the form is rendered.

It is signed for one person and one form. Of each field it carries a keyed digest of what the person
saw: values that mean the same to a person have the same digest. A digest depends on the change id
too, so two tokens do not tell whether two customers have a value in common.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

from customers.access import Actor
from customers.catalogue.compare import canonical
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json


@dataclass(frozen=True)
class FormToken:
    """change_id: of the change that the form makes. digests: field -> digest of the value shown.

    reverts: the change whose old values the form began with, after Club Med had refused them.
    """

    change_id: UUID
    digests: Mapping[str, str]
    reverts: UUID | None = field(default=None, kw_only=True)

    def vouches_for(self, name: str, value: Json) -> bool:
        """Does this mean what the person saw of that field? Also under a former SECRET_KEY."""
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        digests = [_digest(self.change_id, name, value, secret=key) for key in keys]
        return self.digests.get(name) in digests


def mint(
    *, actor: Actor, form: str, values: Mapping[str, Json], reverts: UUID | None = None
) -> str:
    """A new token. form: "123456789/email" or "new". values: field -> the value shown."""
    change_id = uuid4()
    digests = {name: _digest(change_id, name, value) for name, value in values.items()}
    content = [change_id.hex, digests, reverts.hex if reverts else ""]
    return signing.dumps(content, salt=_salt(actor, form))


def read(token: str, *, actor: Actor, form: str) -> FormToken | None:
    """Check a token; None unless it was minted here for this person and this form."""
    try:
        change_id, digests, reverts = signing.loads(token, salt=_salt(actor, form))
    except signing.BadSignature:
        return None
    return FormToken(UUID(change_id), digests, reverts=UUID(reverts) if reverts else None)


def _digest(change_id: UUID, name: str, value: Json, *, secret: str | None = None) -> str:
    salt, text = f"crmadmin.seen {change_id}", canonical(FIELDS[name].fingerprint(value))
    return salted_hmac(salt, text, secret=secret, algorithm="sha256").hexdigest()


def _salt(actor: Actor, form: str) -> str:
    return f"crmadmin.form {actor.key} {form}"
