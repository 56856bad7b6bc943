"""The market that a person works in: which rules hold for what they type, and in which language
Club Med answers. It is remembered by their browser, in a signed cookie."""

from itertools import groupby

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from customers.access import Permission, allow
from customers.catalogue.markets import market_name
from customers.services.markets import offered_locales, refresh_market
from customers.views.answers import MARKETS, DeskRequest, chosen_markets

_REMEMBERED = 5  # markets, the newest first
_AGE = 365 * 24 * 60 * 60  # seconds


@allow(Permission.CUSTOMERS)
@require_http_methods(["GET", "HEAD", "POST"])
def markets(request: DeskRequest) -> HttpResponse:
    """All markets to choose from; choosing one leads back to where the person was."""
    refresh_market("", actor=request.actor)
    known = {*offered_locales(), settings.CLUBMED_LOCALE, *chosen_markets(request)}
    back = request.POST.get("next") or request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, None):
        back = "/"
    if request.method != "POST":
        return _page(request, known, back)
    locale = request.POST.get("locale", "")
    if locale not in known:
        return _page(request, known, back, error=True)
    answer = redirect(back)
    remembered = dict.fromkeys((locale, *chosen_markets(request)))
    answer.set_signed_cookie(
        MARKETS,
        " ".join(list(remembered)[:_REMEMBERED]),
        max_age=_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _page(request: DeskRequest, known: set[str], back: str, *, error: bool = False) -> HttpResponse:
    named = sorted((market_name(locale), locale) for locale in known)
    initials = [(one, list(items)) for one, items in groupby(named, key=lambda item: item[0][0])]
    context = {"initials": initials, "back": back, "error": error}
    return render(request, "customers/markets.html", context, status=422 if error else 200)
