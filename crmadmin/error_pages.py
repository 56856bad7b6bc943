"""Error answers: a page, or under htmx a notice; always with what was typed."""

import logging
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from customers import wording
from customers.audit.models import Access
from customers.services.outcomes import LimitReached, NotSaved
from customers.views import answers

logger = logging.getLogger(__name__)


class Message(NamedTuple):
    """What to tell a person who is not served."""

    status: int
    title: str | Promise
    text: str | Promise
    icon: str = "alert-circle"
    tone: str = "bad"


NO_PAGE = Message(404, wording.NO_PAGE, wording.CHECK_ADDRESS)
NO_CUSTOMER_NUMBER = Message(404, wording.NO_CUSTOMER_NUMBER, wording.NUMBER_RULE, "users", "warn")
NOT_EDITABLE = Message(404, wording.NOT_EDITABLE, wording.NOT_EDITABLE_TEXT, "lock", "warn")
NOT_ALLOWED = Message(403, wording.NOT_ALLOWED, wording.ASK_MANAGER, "lock", "warn")
WRONG_METHOD = Message(405, wording.WRONG_METHOD, wording.NOTHING_SENT)
FAILED = Message(500, wording.FAILED, wording.FAILED_TEXT)
NO_DATABASE = Message(503, wording.NO_DATABASE, wording.NO_DATABASE_TEXT, "plug-connected-x")
DATABASE_LOST = Message(503, wording.NO_DATABASE, wording.FAILED_TEXT, "plug-connected-x")


def answer(
    request: HttpRequest, message: Message | NotSaved, page: str = "error.html", **context: Any
) -> HttpResponse:
    """The message as a page, or as a notice above the record if htmx asked."""
    fragment = answers.wants_fragment(request)
    context |= {"message": message, "typed": answers.typed_text(request)}
    template = "_error.html" if fragment else page
    response = render(request, template, context, status=message.status)
    if fragment:  # the form stays where it is, with what was typed in it
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "innerHTML show:#notices:top"
    return response


def sign_in(
    request: HttpRequest, *, come_back: str, is_kept: bool, why: str | Promise
) -> HttpResponse:
    """Ask to sign in, and lead back to `come_back`. is_kept: the text of the form was put aside.

    why: the title for a person whose session has not ended, else "".
    """
    form_sentence = wording.TEXT_KEPT if is_kept else wording.TEXT_NOT_KEPT
    title = why or wording.SESSION_ENDED
    if getattr(request.session, "was_ended", False):
        title = wording.SESSION_ENDED_BY_HAND
    can_keep = getattr(request, "browser", "")
    page_sentence = wording.NOT_SHOWN if can_keep else wording.NOT_SHOWN_NOR_KEPT
    text: str | Promise = form_sentence if request.method == "POST" else page_sentence
    text = f"{text} {wording.TELL_OPERATIONS}" if why == wording.NEEDS_SIGN_IN else text
    return answer(request, Message(401, title, text, "lock", "warn"), come_back=come_back)


def limited(request: HttpRequest, reached: LimitReached) -> HttpResponse:
    """The page of a limit that is reached, with the time until there is room again."""
    response = answer(request, reached, "limit_reached.html")
    response["Retry-After"] = str(reached.seconds)
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The process log names the exception and omits its text, which the sender may have written."""
    if exception is not None:
        reference = getattr(request, "id", "-")  # none where the host was wrong
        logger.warning("%s: not accepted: %s", reference, type(exception).__name__)
    return answer(request, Message(400, wording.BAD_REQUEST, wording.NOTHING_SENT))


def forged(request: answers.DeskRequest, reason: str) -> HttpResponse:
    """A form without a valid CSRF token. reason: Django's; not logged, as it may name hosts."""
    logger.warning("%s: form refused", request.id)
    if request.actor:
        answers.note_at_door(request, Access.FORGED_FORM)
    return answer(request, Message(403, wording.FORGED, wording.FORGED_TEXT))


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NOT_ALLOWED)


def no_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    is_field = isinstance(exception, answers.NotEditableError)
    return answer(request, NOT_EDITABLE if is_field else NO_PAGE)


def failed(request: HttpRequest, message: Message = FAILED) -> HttpResponse:
    """A page that needs neither session nor database, as either may have failed."""
    return answer(request, message, "failed.html")
