"""Who did what in the five weeks: everyday calls, and the scenes that a supervisor asks about."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from crmadmin.demo.history import edits
from crmadmin.demo.history.clock import Clock
from crmadmin.demo.history.desk import Desk, change_elsewhere, lose_next_write
from crmadmin.demo.staff import BY_USERNAME
from crmadmin.sandbox.markets import MARKETS
from crmadmin.sandbox.people import people
from customers.audit.models import Access, Purpose
from customers.clubmed.profile import Profile
from customers.services.find import find_customers
from customers.services.outcomes import SaidNo, Unknown
from customers.services.reconcile import reconcile

Act = tuple[datetime, Callable[[], object]]
DAYS = 25  # of work: five weeks
_HERE = ZoneInfo("Europe/Paris")
_SHOWN = ("704118236", "123456789")  # the customers that the demo tells people to begin with
_REASONS = (
    "Customer called",
    "Customer called",
    "Customer wrote",
    "Typing error",
    "Asked at check-in",
    "Letter received",
    "Told us in the resort",
    "",
    "",
)


def working_days(now: datetime) -> list[date]:
    """The last ones before today, oldest first."""
    today = now.astimezone(_HERE).date()
    days = (today - timedelta(days=back) for back in range(1, 2 * DAYS))
    return [day for day in days if day.weekday() < 5][:DAYS][::-1]


class Story:
    """The same for the same number of a day, whenever the demo starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        market = {"owen.whitfield": "en-GB", "thiago.brandao": "pt-BR"}
        desks = {name: Desk(one, market.get(name, "fr-FR")) for name, one in BY_USERNAME.items()}
        self._ines, self._owen = desks["ines.moreau"], desks["owen.whitfield"]
        self._thiago, self._sana = desks["thiago.brandao"], desks["sana.elidrissi"]
        self._camille, self._other_camille = desks["camille.laurent"], desks["camille.laurent2"]
        self._auditor, self._stranger = desks["mei-ling.chao"], desks["noa.feldstein"]
        # Nothing here is to be unguessable.
        self._rng = Random(25)  # noqa: S311  # nosec B311
        ordinary = filter(_is_ordinary, people().values())
        # Nobody calls about these yet: number -> locale.
        self._free: dict[str, str] = {one["id"]: one["locale"] for one in ordinary}
        self._forgotten = self._of("fr-FR")
        self._regulars = [*self._others(60), *_SHOWN * 6]

    def day(self, number: int, day: date) -> list[Act]:
        """What happens on one of the days, in order."""

        def at(clock_time: str) -> datetime:
            return datetime.combine(day, time.fromisoformat(clock_time), _HERE)

        acts = [*self._everyday(at("08:30")), *self._looking(number, at)]
        acts += [(at(when), scene) for of, when, scene in self._scenes() if of == number]
        return sorted(acts, key=lambda act: act[0])

    def today(self, now: datetime) -> Iterator[Act]:
        """What is not settled yet when the demo opens."""
        yield now - timedelta(minutes=50), self._unclear_change
        yield now - timedelta(minutes=30), self._not_seen_applied
        yield now - timedelta(minutes=12), self._a_call(self._ines)
        yield now - timedelta(minutes=5), partial(self._sana.note, Access.AUDIT)

    def _everyday(self, begin: datetime) -> Iterator[Act]:
        """Some calls for each of the agents, and now and then one for the supervisor."""
        agents = [self._ines, self._owen, self._thiago, self._camille, self._other_camille]
        for desk in [*agents, self._sana]:
            yield begin + self._minutes(50), partial(desk.note, Access.SIGN_IN)
            for _ in range(self._rng.randrange(2 if desk is self._sana else 4)):
                yield begin + self._minutes(60, 590), self._a_call(desk)

    def _a_call(self, desk: Desk) -> Callable[[], object]:
        """A customer is found, opened and most often changed."""
        rng = self._rng
        customer_id = rng.choice(self._regulars)
        (edit,) = rng.choices([*edits.EVERYDAY], [*edits.EVERYDAY.values()])
        reason, is_look = rng.choice(_REASONS), rng.random() < 0.15
        finding, typing = rng.randrange(10, 60), rng.randrange(30, 240)  # seconds

        def typed(profile: Profile) -> edits.Typed:
            self._clock.move_on(seconds=typing)
            return edit(profile, rng)

        def act() -> None:
            desk.note(Access.SEARCH)
            self._clock.move_on(seconds=finding)
            if is_look:
                desk.open(customer_id)
            else:
                desk.change(customer_id, typed, reason=reason)

        return act

    def _looking(self, number: int, at: Callable[[str], datetime]) -> Iterator[Act]:
        """The log is read, too."""
        yield at("09:40"), partial(self._sana.note, Access.AUDIT)
        if number % 5 == 1:
            yield at("10:05"), partial(self._auditor.note, Access.SIGN_IN)
            yield at("10:06"), partial(self._auditor.note, Access.AUDIT)
        if number % 10 == 1:
            yield at("10:20"), partial(self._auditor.note, Access.EXPORT)
        if number in (4, 17):
            yield at("08:58"), partial(self._stranger.note, Access.REFUSED)

    def _scenes(self) -> Iterator[tuple[int, str, Callable[[], object]]]:
        """The day, the time, and what happened."""
        for number in range(1, DAYS, 4):
            yield number, "15:10", partial(self._new_customer, "fr-FR", self._camille)
            yield number + 1, "11:45", partial(self._new_customer, "en-GB", self._owen)
        for number in (2, 9):
            yield number, "10:15", self._call_of_whom_we_forget
        yield 3, "11:20", self._address_is_forced
        yield 5, "14:35", self._twin_is_created
        yield 6, "16:05", self._changed_elsewhere
        yield 8, "10:30", self._postal_codes_are_refused
        for number in (7, 20):
            yield number, "11:50", self._name_is_refused
        yield 9, "17:10", self._answered_by_a_redirect
        yield 11, "11:05", self._answer_lost
        yield 12, "15:40", self._seen_late
        yield 14, "13:25", self._settled_by_a_person
        yield 15, "16:15", self._create_named_by_a_person
        yield 16, "22:10", self._optins_at_night
        yield 17, "14:02", self._one_phone_for_many
        yield 18, "11:30", partial(self._sana.forget, self._forgotten, "Asked in writing")
        yield 19, "13:10", self._looks_without_a_change
        yield 21, "16:45", self._reveals
        yield 22, "09:55", partial(self._sana.note, Access.EXPORT)
        yield 23, "11:20", partial(self._sana.note, Access.REPORT, _SHOWN[1])

    def _new_customer(self, locale: str, desk: Desk) -> None:
        desk.create(edits.somebody(locale, self._rng), reason="First booking")

    def _call_of_whom_we_forget(self) -> None:
        edit = partial(edits.contact, rng=self._rng)
        self._ines.change(self._forgotten, edit, reason="Customer called")

    def _address_is_forced(self) -> None:
        customer_id, market = self._of("fr-FR"), MARKETS[0]
        new = {"address": edits.address(market, self._rng) | {"zip_code": "00000"}}
        self._ines.change(customer_id, lambda _: new)
        reason = "A new building: the post office has no code for it yet"
        self._ines.change(customer_id, lambda _: new, reason=reason, force_address=True)

    def _twin_is_created(self) -> None:
        new = edits.somebody("en-GB", self._rng)
        self._owen.create(new)
        twin = new | {"first_name": "Rhys" if new["first_name"] != "Rhys" else "Callum"}
        self._owen.create(twin, reason="Twins with one e-mail address: both were on the line")

    def _changed_elsewhere(self) -> None:
        customer_id = self._of("it-IT")
        self._thiago.change(customer_id, partial(edits.email, rng=self._rng))
        change_elsewhere(customer_id, email="booking.site@example.net")
        self._clock.move_on(hours=1)
        self._thiago.open(customer_id)

    def _postal_codes_are_refused(self) -> None:
        for customer_id in [self._of("de-DE") for _ in range(5)]:
            for typed in ("D-80331", "80 331"):
                edit = partial(edits.postal_code, typed)
                self._other_camille.change(customer_id, edit)
                self._clock.move_on(minutes=2)

    def _name_is_refused(self) -> None:
        customer_id = self._of("zh-CN")
        self._other_camille.change(customer_id, lambda _: {"last_name": "欧阳"})
        self._other_camille.change(customer_id, lambda _: {"unicode_last_name": "欧阳"})

    def _answered_by_a_redirect(self) -> None:
        lose_next_write("redirect")
        edit = partial(edits.moved, rng=self._rng)
        self._camille.change(self._of("fr-FR"), edit, reason="Moved house", ends=SaidNo)

    def _answer_lost(self, kind: str = "drop_after") -> tuple[str, UUID]:
        """A change whose answer is lost; the timer finds out later what came of it."""
        customer_id = self._of("en-GB")
        lose_next_write(kind)
        edit = partial(edits.email, rng=self._rng)
        change_id = self._owen.change(customer_id, edit, reason="Customer called", ends=Unknown)
        return customer_id, change_id

    def _not_seen_applied(self) -> None:
        self._answer_lost("drop_before")
        self._time_passes()

    def _seen_late(self) -> None:
        customer_id = self._of("en-US")
        lose_next_write("drop_before")
        new = {"email": "late.riser@example.com"}
        self._thiago.change(customer_id, lambda _: new, ends=Unknown)
        self._time_passes()
        change_elsewhere(customer_id, **new)
        self._time_passes(minutes=20)

    def _unclear_change(self) -> UUID:
        customer_id, change_id = self._answer_lost("drop_before")
        change_elsewhere(customer_id, email="somebody.else@example.net")
        self._time_passes()
        return change_id

    def _settled_by_a_person(self) -> None:
        change_id = self._unclear_change()
        self._clock.move_on(hours=2)
        self._sana.settle(change_id, landed=False, reason="Customer confirmed by phone")

    def _create_named_by_a_person(self) -> None:
        lose_next_write("drop_after", method="POST")
        new = edits.somebody("fr-FR", self._rng)
        change_id = self._ines.create(new, reason="First booking", ends=Unknown)
        self._time_passes()
        self._clock.move_on(minutes=40)
        self._sana.note(Access.SEARCH)
        found = find_customers({"email": new["email"]}, actor=self._sana.actor)
        number = str(found.items[0]["id"])
        reason = "Found by the e-mail address"
        self._sana.settle(change_id, landed=True, reason=reason, customer_id=number)

    def _optins_at_night(self) -> None:
        for customer_id in self._others(21):
            self._owen.change(customer_id, edits.every_optin)
            self._clock.move_on(minutes=1.5)

    def _one_phone_for_many(self) -> None:
        row = edits.mobile(MARKETS[3], self._rng)
        for customer_id in self._others(6):
            change_id = self._thiago.change(customer_id, lambda _: {"phones": [row]})
            self._clock.move_on(minutes=6)
        self._clock.move_on(hours=1)
        self._sana.put_back(change_id, reason="The resort’s number, not the customer’s")

    def _looks_without_a_change(self) -> None:
        for customer_id in self._others(25):
            self._camille.open(customer_id)
            self._clock.move_on(minutes=1)

    def _reveals(self) -> None:
        purposes = cycle([Purpose.IDENTIFY, Purpose.CORRECT, Purpose.REQUEST])
        for customer_id, purpose in zip([_SHOWN[0], *self._others(9)], purposes, strict=False):
            self._sana.open(customer_id)
            self._sana.reveal(customer_id, purpose)
            self._clock.move_on(minutes=5)

    def _time_passes(self, *, minutes: int = 2) -> None:
        """Until the timer of a deployment settles what got no answer."""
        self._clock.move_on(minutes=minutes)
        reconcile()

    def _of(self, locale: str) -> str:
        """A customer of that market, and of nobody else's calls."""
        number = next(one for one, market in self._free.items() if market == locale)
        del self._free[number]
        return number

    def _others(self, count: int) -> list[str]:
        return [self._free.popitem()[0] for _ in range(count)]

    def _minutes(self, *limits: int) -> timedelta:
        return timedelta(minutes=self._rng.randrange(*limits), seconds=self._rng.randrange(60))


def _is_ordinary(profile: dict[str, Any]) -> bool:
    """Has this customer a name, an e-mail address and a market, and not too much of any?"""
    needed = ("first_name", "last_name", "email", "locale")
    return profile["id"] not in _SHOWN and all(
        0 < len(profile.get(key) or "") < 60 for key in needed
    )
