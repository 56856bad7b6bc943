"""The entry for an application server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmadmin.settings")
application = get_wsgi_application()

# Only now: models need the settings.
from django.db import connection  # noqa: E402

from customers.audit import chain, checks  # noqa: E402

checks.check()
chain.log_seal()
connection.close()
