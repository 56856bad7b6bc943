# The demo, for `docker compose --profile demo up demo`: it listens on the machine's own loopback.
ARG BASE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE}
WORKDIR /srv/crmadmin
COPY requirements/demo.txt requirements/
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes \
    --requirement requirements/demo.txt
COPY . .
RUN /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
        --settings crmadmin.static_settings \
    && /opt/venv/bin/pybabel --quiet compile --directory customers/locale --domain django
USER nobody
CMD ["/opt/venv/bin/python", "manage.py", "demo"]
