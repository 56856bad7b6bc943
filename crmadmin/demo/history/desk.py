"""What a person does at the desk, as its pages do it, and what goes wrong at Club Med meanwhile."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import cast
from uuid import UUID

import requests
from django.conf import settings

from crmadmin.demo.staff import Person
from crmadmin.sso.claims import actor_from
from customers import form_token
from customers.audit import access_events, reading
from customers.audit.models import Access, Change, Purpose
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json, Profile
from customers.form_token import FormToken
from customers.services.change import change_profile
from customers.services.create import create_customer
from customers.services.decide import settle_change
from customers.services.forget import forget_customer
from customers.services.outcomes import MayExist, NotSaved, Refused
from customers.services.read import confirm_change, read_profile
from customers.services.revert import revert_change, ways_back

Edit = Callable[[Profile], Mapping[str, Json]]  # what is typed over what a profile holds


class Desk:
    """One of the staff at work. market: the locale that they chose, "" for the setting's."""

    def __init__(self, person: Person, market: str = "") -> None:
        claims = {
            "iss": settings.OIDC_ISSUER,
            "sub": person.sub,
            "name": person.name,
            settings.OIDC_GROUPS_CLAIM: list(person.groups),
        }
        self.actor = replace(actor_from(claims), market=market)
        access_events.know(self.actor, person.username)

    def note(self, kind: Access, customer_id: str = "") -> None:
        """Record that they looked."""
        access_events.note(kind, actor=self.actor, request_id=_request(), customer_id=customer_id)

    def reveal(self, customer_id: str, purpose: Purpose) -> None:
        """Look at the national number of a customer."""
        access_events.record(
            Access.REVEAL,
            actor=self.actor,
            request_id=_request(),
            customer_id=customer_id,
            field="identity",
            purpose=purpose,
        )

    def open(self, customer_id: str) -> Profile:
        profile = read_profile(customer_id, actor=self.actor)
        self.note(Access.VIEW, customer_id)
        return profile

    def change(
        self,
        customer_id: str,
        edit: Edit,
        *,
        reason: str = "",
        force_address: bool = False,
        ends: type[NotSaved] = Refused,
    ) -> UUID:
        """Open a profile and save what `edit` types, if anything; the change.

        ends: what may come of it instead of a save.
        """
        profile = self.open(customer_id)
        typed = edit(profile)
        seen = {name: FIELDS[name].value(profile) for name in typed}
        token = self._token(f"{customer_id}/edit", seen)
        with suppress(ends):
            change_profile(
                customer_id,
                typed,
                token=token,
                actor=self.actor,
                request_id=_request(),
                reason=reason,
                force_address=force_address,
            )
            confirm_change(customer_id, token.change_id, actor=self.actor)
        return token.change_id

    def create(
        self, typed: Mapping[str, Json], *, reason: str = "", ends: type[NotSaved] = Refused
    ) -> UUID:
        """Create a customer, whoever may be the same person; the change."""
        self.note(Access.SEARCH)
        token = self._token("new", {})
        despite = None
        with suppress(ends):
            while True:
                try:
                    saved = create_customer(
                        typed,
                        token=token,
                        actor=self.actor,
                        request_id=_request(),
                        reason=reason,
                        despite=despite,
                    )
                    break
                except MayExist as exc:
                    despite = [one.key for one in exc.duplicates]
            self.open(saved.customer_id)
        return token.change_id

    def put_back(self, change_id: UUID, *, reason: str) -> None:
        """Put back every old value of a change that can be."""
        [change] = reading.with_entries(Change.objects.filter(pk=change_id))
        ways = [way for way in ways_back(change) if not way.obstacle]
        token = self._token(f"{change_id}/revert", {})
        me = self.actor
        revert_change(ways, token=token, actor=me, request_id=_request(), reason=reason)

    def settle(self, change_id: UUID, *, landed: bool, reason: str, customer_id: str = "") -> None:
        settle_change(
            change_id,
            landed=landed,
            reason=reason,
            actor=self.actor,
            request_id=_request(),
            customer_id=customer_id,
        )

    def forget(self, customer_id: str, reason: str) -> None:
        me = self.actor
        forget_customer(customer_id, reason=reason, actor=me, request_id=_request(), caller=me)

    def _token(self, form: str, seen: Mapping[str, Json]) -> FormToken:
        minted = form_token.mint(actor=self.actor, form=form, values=seen)
        return cast(FormToken, form_token.read(minted, actor=self.actor, form=form))


def _request() -> str:
    return secrets.token_hex(6)


def lose_next_write(kind: str, method: str = "PATCH") -> None:
    """kind: of `crmadmin.sandbox.Kind`."""
    _control("POST", "faults", {"kind": kind, "method": method})


def change_elsewhere(customer_id: str, **values: Json) -> None:
    """Store what another system of Club Med's would."""
    _control("PATCH", f"customers/{customer_id}", values)


def _control(method: str, what: str, body: Mapping[str, Json]) -> None:
    with requests.Session() as session:
        session.trust_env = False  # no proxy on the way to loopback
        url = f"{settings.CLUBMED_API_URL}/_sandbox/{what}"
        session.request(method, url, json=body, timeout=5).raise_for_status()
