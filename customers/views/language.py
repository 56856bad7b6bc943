"""The language that a person reads; their browser remembers it, beyond the sign-out."""

from django.http import HttpRequest, HttpResponse
from django.views.i18n import set_language

from customers.access import Permission, allow


@allow(Permission.EVERYONE)
def language(request: HttpRequest) -> HttpResponse:
    """Change it, and lead back to where the person was."""
    return set_language(request)
