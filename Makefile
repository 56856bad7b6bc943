# `make` lists what there is. PYTHON names the Python that .venv is made with, else .ci/venv chooses.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
bin := .venv/bin

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

# A stamp for each lock file: a second run is instant, and a changed lock is installed again.
.venv/.%: requirements/%.txt
	@.ci/venv $<
	@touch $@

.PHONY: install
install: .venv/.dev ## make .venv with everything that is locked

# The languages beside English: each is one file.
translations := $(wildcard customers/locale/*/LC_MESSAGES/django.po)
%.mo: %.po
	@$(bin)/pybabel --quiet compile --input-file $< --output-file $@

collected/staticfiles.json: requirements/runtime.txt $(shell find static -type f)
	@$(bin)/python manage.py collectstatic --noinput --verbosity 0 --settings crmadmin.static_settings
	@touch $@

.PHONY: compiled
compiled: $(translations:.po=.mo) collected/staticfiles.json

.PHONY: demo
demo: .venv/.demo ## serve the whole product on invented data: PORT (8000), SANDBOX_PORT, OIDC_PORT
	@$(MAKE) compiled
	@exec $(bin)/python manage.py demo

.PHONY: run
run: .venv/.runtime ## serve the product on the environment's real settings: HOST, PORT (8000)
	@$(MAKE) compiled
	@$(bin)/python manage.py migrate --verbosity 0
	@exec $(bin)/gunicorn crmadmin.wsgi:application --bind "$${HOST:-127.0.0.1}:$${PORT:-8000}" \
		--config python:crmadmin.server

.PHONY: check
check: .venv/.dev ## format, lint, types, templates, security, deployment, migrations, locks, translations
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/djlint --lint --quiet templates crmadmin/demo
	$(bin)/bandit --quiet --recursive --configfile pyproject.toml crmadmin customers
	.ci/deployment
	.ci/locks
	$(bin)/python .ci/translations.py check

# Python may keep what it compiled, whatever the environment says: a run has many processes.
test looks: export PYTHONDONTWRITEBYTECODE =

.PHONY: test
test: .venv/.dev ## the whole suite, in a real browser, on SQLite and on PostgreSQL
	@.ci/system
	@$(MAKE) compiled
	@$(MAKE) --jobs 2 --output-sync on-sqlite on-postgresql

# Side by side, as many tests wait: for deadlines, timers and locks. Each says all at its end.
# SQLite has twice the work: with two workers a core is often idle once PostgreSQL has ended.
.PHONY: on-sqlite on-postgresql
on-sqlite:
	$(bin)/python -m pytest -n 3
on-postgresql: # tests/conftest.py says what it leaves out
	$(bin)/python -m tests.postgres $(bin)/python -m pytest -n 2

.PHONY: looks
looks: .venv/.dev ## every page in every state: what axe finds, and pictures in looks/
	@.ci/system
	@rm -rf looks
	$(bin)/python -m pytest -n 2 --dist worksteal -m looks

.PHONY: soak soak-on-sqlite soak-on-postgresql
soak: .venv/.dev ## everything goes wrong at once, then the log must be true: SECONDS (1200)
	@.ci/system
	@$(MAKE) compiled
	@SECONDS=$${SECONDS:-1200} $(MAKE) --jobs 2 --output-sync soak-on-sqlite soak-on-postgresql
soak-on-sqlite:
	$(bin)/python -m pytest tests/soak -q -s
soak-on-postgresql:
	$(bin)/python -m tests.postgres $(bin)/python -m pytest tests/soak -q -s

.PHONY: upgrade
upgrade: .venv/.dev ## replace a running version by this one while people save: FROM (HEAD~1)
	@.ci/system
	@FROM=$${FROM:-HEAD~1} $(bin)/python -m tests.postgres $(bin)/python -m pytest tests/faults/test_replacing.py -q

.PHONY: load
load: .venv/.dev ## what one machine carries: PEOPLE (200), MINUTES (10), ENTRIES (1000000), STEP
	@.ci/system
	@$(MAKE) compiled
	@$(bin)/python -m tests.load

lighthouse := requirements/lighthouse
$(lighthouse)/node_modules: $(lighthouse)/package-lock.json
	@command -v npm >/dev/null || .ci/apt nodejs npm
	@npm ci --prefix $(lighthouse) --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: lighthouse
lighthouse: .venv/.dev $(lighthouse)/node_modules ## what Lighthouse says of each page
	@.ci/system
	@$(bin)/python -m tests.lighthouse

.PHONY: image
image: .venv/.dev ## build the container image crmadmin:latest: BASE
	@.ci/image

.PHONY: image-test
image-test: image ## run the main job against the image
	@command -v docker podman >/dev/null || .ci/apt podman runc
	@.ci/system
	$(bin)/python -m pytest -m image

.PHONY: bench
bench: .venv/.bench ## what a profile, a save, a page of the log and a verification cost: ENTRIES (1000000)
	@.ci/system
	@$(bin)/python -m tests.benchmarks

.PHONY: format
format: .venv/.dev ## write the code as `make check` wants it
	$(bin)/ruff format
	$(bin)/ruff check --fix

.PHONY: messages
messages: .venv/.dev ## bring new sentences into customers/locale, to be translated
	$(bin)/python .ci/translations.py update

.PHONY: lock
lock: .venv/.dev ## choose the newest allowed versions and write requirements/
	$(call compile,runtime)
	$(call compile,demo,--group demo)
	$(call compile,dev,--group dev)
	$(call compile,bench,--group bench)

# $(1): the lock file's name; $(2): the groups that come on top of the product's own needs.
define compile
$(bin)/uv pip compile pyproject.toml $(2) --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header -o requirements/$(1).txt
endef
