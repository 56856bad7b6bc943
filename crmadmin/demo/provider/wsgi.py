"""The entry for gunicorn: a database with the staff and the one client, then the application."""

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from crmadmin.demo.provider import settings
from crmadmin.demo.staff import STAFF

application = get_wsgi_application()


def _fill() -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    call_command("migrate", run_syncdb=True, verbosity=0)
    for person in STAFF:
        User.objects.get_or_create(username=person.sub)
    Application.objects.get_or_create(
        client_id=settings.CLIENT_ID,
        defaults={
            "name": "Customer desk",
            "client_secret": settings.CLIENT_SECRET,
            "hash_client_secret": False,  # random, and gone with the process: nothing to slow down
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
            "algorithm": Application.RS256_ALGORITHM,
            "redirect_uris": settings.REDIRECT_URIS,
            "post_logout_redirect_uris": settings.POST_LOGOUT_REDIRECT_URIS,
            "skip_authorization": True,
        },
    )


_fill()
