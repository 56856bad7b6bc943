"""The sign-in page and the end of a session."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.views import AuthorizationView, RPInitiatedLogoutView

from crmadmin.demo.staff import BY_USERNAME, STAFF


@method_decorator(never_cache, name="dispatch")
class SignIn(AuthorizationView):  # type: ignore[misc]  # the library has no types
    """Ask who you are, then answer the product with a code. Nobody stays signed in here.

    A session at the provider would let the next sign-in pass without a question: right at work,
    but in a demo one browser plays the agent and the supervisor in turn. So `prompt=login` and
    `max_age` are always met, and `prompt=none` is always answered with login_required.
    """

    template_name = "provider/refused.html"

    def handle_no_permission(self) -> HttpResponse:
        """Nobody is signed in: show the choice, once the request has proved to be in order."""
        try:
            self.validate_authorization_request(self.request)
        except OAuthToolkitError as error:
            refusal: HttpResponse = self.error_response(error, application=None)
            return refusal
        asked = self.request.GET.dict()
        asked.pop("prompt", None)  # this page is what it asks for
        context = {"staff": STAFF, "action": f"{self.request.path}?{urlencode(asked)}"}
        return render(self.request, "provider/sign_in.html", context)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = BY_USERNAME.get(request.POST.get("person", ""))
        if person is not None:
            user = User.objects.get(username=person.sub)
            user.last_login = timezone.now()  # the token's auth_time
            user.save(update_fields=["last_login"])
            request.user = user
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The choice was made; there is no second question, so the code can go out at once."""
        response: HttpResponse = self.get(request, *args, **kwargs)
        return response


class SignOut(RPInitiatedLogoutView):  # type: ignore[misc]  # the library has no types
    """RP-initiated logout: back to the product, if that address is registered."""

    template_name = "provider/refused.html"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "provider/home.html")
