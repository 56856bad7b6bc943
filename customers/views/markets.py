"""The market that a person works in: which rules hold for what they type, and in which language
Club Med answers. It is remembered by their browser, in a signed cookie."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from customers.access import Permission, allow
from customers.catalogue import reader
from customers.catalogue.compare import fold
from customers.catalogue.markets import market_name
from customers.services.markets import offered_locales, refresh_market
from customers.views.answers import DeskRequest, chosen_markets, set_cookie


@allow(Permission.CUSTOMERS)
def markets(request: DeskRequest) -> HttpResponse:
    """All markets to choose from; choosing one leads back to where the person was."""
    refresh_market("", actor=request.actor)
    locales = {*offered_locales(), settings.CLUBMED_LOCALE, *chosen_markets(request)}
    back = request.POST.get("next") or request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, None):
        back = "/"
    locale = request.POST.get("locale", "")
    if locale in locales:
        answer = redirect(back)
        recent = dict.fromkeys((locale, *chosen_markets(request)))
        value, year = " ".join(list(recent)[:5]), 365 * 24 * 60 * 60
        set_cookie(answer, settings.MARKETS_COOKIE_NAME, value, max_age=year, signed=True)
        return answer
    by_name = reader.in_order({code: market_name(code) for code in locales})
    named = [(fold(name)[:1].upper(), name, code) for code, name in by_name.items()]
    context = {"named": named, "back": back, "error": request.method == "POST"}
    status = 422 if context["error"] else 200
    return render(request, "customers/markets.html", context, status=status)
