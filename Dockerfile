# syntax=docker/dockerfile:1
# The product alone, configured by its environment (.env.example): see docs/operations.md.
# BASE is any image with Python 3.11 or newer, its venv module and CA certificates.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /srv/crmadmin
# Wheels that lie in .wheels are taken from there; PIP_NO_INDEX=1 takes none from elsewhere.
ARG PIP_NO_INDEX=0
ARG COMMIT=unknown
COPY requirements/runtime.txt .wheels* /tmp/wheels/
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv \
    && /opt/pip/bin/pip --python /opt/venv/bin/python install --quiet --no-cache-dir --no-compile \
        --require-hashes --only-binary :all: --find-links /tmp/wheels -r /tmp/wheels/runtime.txt
COPY . .
# The bytecode holds whatever time a file gets on its way into the image: nothing is changed there.
RUN rm -rf .wheels requirements && echo "$COMMIT" > COMMIT \
    && /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
        --settings crmadmin.static_settings \
    && /opt/venv/bin/pybabel --quiet compile --directory customers/locale --domain django \
    && /opt/venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/venv/lib .

FROM ${BASE}
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="crmadmin" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${COMMIT}"
# gunicorn listens on PORT of every address.
# One unprivileged account, without a shell or a home; /tmp and /var/lib/crmadmin are all it writes.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin crmadmin \
    && install -d -o crmadmin /var/lib/crmadmin
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/crmadmin /srv/crmadmin
WORKDIR /srv/crmadmin
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=8000 \
    AUDIT_TOMBSTONES=/var/lib/crmadmin/tombstones.ndjson
USER 10001
VOLUME /var/lib/crmadmin
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["python", "-m", "crmadmin.probe"]
ENTRYPOINT ["python", "-m"]
CMD ["gunicorn", "crmadmin.wsgi:application", "--config", "python:crmadmin.server"]
