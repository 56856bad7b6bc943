"""Error answers: a page, or under htmx a notice; always with what was typed.

Order of the words: what happened; what was or was not stored; what to do now.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from customers import services
from customers.access import Permission, allow
from customers.clubmed import errors as clubmed_errors
from customers.http import (
    NotACustomerNumberError,
    NotEditableError,
    typed_text,
    wants_fragment,
)


@dataclass(frozen=True)
class Message:
    """What to tell a person."""

    status: int
    title: str
    text: str
    icon: str = "alert-circle"
    tone: str = "bad"


BAD_REQUEST = Message(
    400,
    "This form is too long, or could not be read.",
    "Nothing was sent to Club Med. What you typed is still in the form: go back to it.",
)
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
WRONG_METHOD = Message(
    405, "This address cannot be used that way.", "Nothing was sent to Club Med."
)
FAILED = Message(
    500,
    "Something went wrong here.",
    "If you were saving, look at the customer's history before you save again.",
)
SIGNED_OUT = Message(
    401,
    "Your session has ended.",
    "Nothing was sent to Club Med. What you typed is kept. Sign in and you come back to it.",
    "lock",
    "warn",
)
NO_SUCH_CUSTOMER = Message(
    404,
    "No such customer at Club Med.",
    "Check the number: Club Med knows nobody by it.",
    "users",
    "warn",
)
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
FORBIDDEN = Message(
    403,
    "You may not read or change this profile at Club Med.",
    "Nothing was changed. Club Med decides who may: ask your supervisor.",
    "lock",
    "warn",
)
UNAUTHORIZED = Message(
    503,
    "The connection to Club Med needs renewing.",
    "Nothing was changed. Tell the people who run this site: Club Med no longer takes its key.",
    "plug-connected-x",
)
NO_ANSWER = Message(
    503,
    "Club Med does not answer.",
    "Nothing was sent. What you typed is kept: save again in a moment.",
    "plug-connected-x",
)
NOT_RECORDED = Message(
    503,
    "Our own record cannot be written at this moment.",
    "Nothing was sent to Club Med. What you typed is kept: save again in a moment.",
    "plug-connected-x",
)
REFUSED = Message(
    502,
    "Club Med refused this request.",
    "Nothing was changed. Try again, and tell the people who run this site if it stays so.",
)


def answer(request: HttpRequest, message: Message, **context: Any) -> HttpResponse:
    """The message as a page, or as a notice above the record if htmx asked."""
    fragment = wants_fragment(request)
    context |= {"message": message, "typed": typed_text(request)}
    template = "_error.html" if fragment else "error.html"
    response = render(request, template, context, status=message.status)
    if fragment:  # the form stays where it is, with what was typed in it
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "innerHTML show:#notices:top"
    return response


def message_for(exc: Exception) -> Message:
    """What to say when something was not done, and nothing of it landed at Club Med."""
    match exc:
        case services.NotRecordedError():
            return NOT_RECORDED
        case clubmed_errors.NotFoundError():
            return NO_SUCH_CUSTOMER
        case clubmed_errors.ForbiddenError():
            return FORBIDDEN
        case clubmed_errors.UnauthorizedError():
            return UNAUTHORIZED
        case clubmed_errors.NotSentError() | clubmed_errors.NoAnswerError():
            return NO_ANSWER
        case _:
            return REFUSED


def not_done(request: HttpRequest, exc: Exception) -> HttpResponse:
    return answer(request, message_for(exc))


def signed_out(request: HttpRequest, *, come_back: str | None) -> HttpResponse:
    return answer(request, SIGNED_OUT, come_back=come_back or "/")


def not_allowed(request: HttpRequest) -> HttpResponse:
    return answer(request, NOT_ALLOWED)


@allow(Permission.EVERYONE)
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, BAD_REQUEST)


@allow(Permission.EVERYONE)
def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, FORGED)


@allow(Permission.EVERYONE)
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, NOT_ALLOWED)


@allow(Permission.EVERYONE)
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


@allow(Permission.EVERYONE)
def failed(request: HttpRequest) -> HttpResponse:
    return answer(request, FAILED)
