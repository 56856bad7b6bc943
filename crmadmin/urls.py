"""The addresses of the product."""

from django.urls import include, path
from django.views.i18n import set_language

from crmadmin import health, metrics
from crmadmin.sso import ending, signed_in
from crmadmin.sso import views as sso
from customers.access import Permission, allow

urlpatterns = [
    path("", include("customers.urls")),
    # A cookie remembers it, beyond the sign-out.
    path("language/", allow(Permission.EVERYONE)(set_language), name="language"),
    path("oidc/login/", sso.login, name="login"),
    path("oidc/callback/", sso.callback, name="callback"),
    path("oidc/logout/", ending.logout, name="logout"),
    path("oidc/backchannel-logout/", ending.backchannel_logout, name="backchannel-logout"),
    path("signed-out/", ending.signed_out, name="signed-out"),
    path("sessions/", signed_in.sessions, name="sessions"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.metrics),
]
handler400 = "crmadmin.error_pages.bad_request"
handler403 = "crmadmin.error_pages.not_allowed"
handler404 = "crmadmin.error_pages.no_page"
handler500 = "crmadmin.error_pages.failed"
