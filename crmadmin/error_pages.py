"""Error answers: a page, or under htmx a notice; always with what was typed.

Order of the words: what happened; what was or was not stored; what to do now.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from customers.services.outcomes import NotSaved
from customers.views.answers import (
    NotACustomerNumberError,
    NotEditableError,
    typed_text,
    wants_fragment,
)


@dataclass(frozen=True)
class Message:
    """What to tell a person who is not served."""

    status: int
    title: str
    text: str
    icon: str = "alert-circle"
    tone: str = "bad"


NOT_SENT = "Nothing was sent to Club Med."
BAD_REQUEST = Message(400, "This form is too long, or could not be read.", NOT_SENT)
FORGED = Message(
    403,
    "This form is not one of ours any more.",
    "Nothing was sent to Club Med. Open the page again and send it from there.",
)
NOT_ALLOWED = Message(
    403,
    "Your role does not open this page.",
    "Ask your manager if you need it for your work.",
    "lock",
    "warn",
)
NO_PAGE = Message(404, "There is no such page.", "Check the address, or find the customer again.")
NO_CUSTOMER_NUMBER = Message(
    404,
    "This is not a customer number.",
    "A customer number has digits only and does not start with 0. Nothing was asked of Club Med.",
    "users",
    "warn",
)
NOT_EDITABLE = Message(
    404,
    "This field cannot be edited here.",
    "Nothing was sent to Club Med. The profile shows which fields can.",
    "lock",
    "warn",
)
WRONG_METHOD = Message(405, "This address cannot be used that way.", NOT_SENT)
FAILED = Message(
    500,
    "Something went wrong here.",
    "If you were saving, look at the customer's history before you save again.",
)
NO_DATABASE = Message(
    503,
    "Our own database does not answer.",
    "Nothing was sent to Club Med. Try again in a moment.",
    "plug-connected-x",
)
# For who has to sign in (again).
KEPT = "Nothing was changed at Club Med. What you typed is kept: sign in and you come back to it."
NOT_KEPT = "Nothing was changed at Club Med. Copy what you typed before you sign in again."
NOT_SHOWN = (
    "This could not be shown. If you were typing, save first: that keeps your text while you "
    "sign in."
)
IF_IT_STAYS = "If it stays so, tell the people who run this site."


def answer(request: HttpRequest, message: Message | NotSaved, **context: Any) -> HttpResponse:
    """The message as a page, or as a notice above the record if htmx asked."""
    fragment = wants_fragment(request)
    context |= {"message": message, "typed": typed_text(request)}
    template = "_error.html" if fragment else "error.html"
    response = render(request, template, context, status=message.status)
    if fragment:  # the form stays where it is, with what was typed in it
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "innerHTML show:#notices:top"
    return response


def sign_in(request: HttpRequest, *, come_back: str, is_kept: bool, renewing: bool) -> HttpResponse:
    """Ask to sign in, and lead back to `come_back`. is_kept: a form's text is there again then."""
    text = (KEPT if is_kept else NOT_KEPT) if request.method == "POST" else NOT_SHOWN
    message = Message(401, "Your session has ended.", text, "lock", "warn")
    if renewing:
        title = "Your sign-in needs renewing."
        message = replace(message, title=title, text=f"{text} {IF_IT_STAYS}")
    return answer(request, message, come_back=come_back)


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NOT_ALLOWED)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, BAD_REQUEST)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, FORGED)


def no_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    match exception:
        case NotACustomerNumberError():
            return answer(request, NO_CUSTOMER_NUMBER)
        case NotEditableError():
            return answer(request, NOT_EDITABLE)
        case _:
            return answer(request, NO_PAGE)


def wrong_method(request: HttpRequest) -> HttpResponse:
    return answer(request, WRONG_METHOD)


def failed(request: HttpRequest) -> HttpResponse:
    return _without_database(request, FAILED)


def no_database(request: HttpRequest) -> HttpResponse:
    """Who is there cannot be known, so nothing was done."""
    return _without_database(request, NO_DATABASE)


def _without_database(request: HttpRequest, message: Message) -> HttpResponse:
    """The page asks nothing of session or database: either may be what failed."""
    if wants_fragment(request):
        return answer(request, message)
    context = {"message": message, "typed": typed_text(request)}
    return render(request, "failed.html", context, status=message.status)
