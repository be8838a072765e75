# make demo and make test are all a newcomer needs: each sets itself up.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo test chaos check bench gallery lock clean

help:  ## these lines
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

demo: $(READY)  ## the whole story, on an embedded Okta org and Slack workspace
	$(BIN)/access-bot demo

test: $(READY)  ## every test, or those of T=path
	$(BIN)/pytest -n 4 --dist loadfile $(T)
	$(if $(T),,$(BIN)/pytest -m long tests/chaos)

chaos: $(READY)  ## every fault at every point, or SCENARIO=, PLAN=, MUTANT=, SEED=, SINGLES=, PAIRS=, GO_ON=
	$(BIN)/python -m tests.chaos $(if $(SCENARIO),--scenario $(SCENARIO)) \
		$(if $(PLAN),--plan '$(PLAN)') $(if $(MUTANT),--mutant '$(MUTANT)') \
		$(if $(SEED),--seed $(SEED)) $(if $(PAIRS),--pairs $(PAIRS)) \
		$(if $(SINGLES),--singles $(SINGLES)) $(if $(GO_ON),--go-on)

check: $(READY)  ## format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(READY)  ## every benchmark, or ONLY=name
	$(BIN)/python -m benchmarks $(ONLY)

gallery: $(READY)  ## every view and message as a page, with pictures where Chromium is
	$(BIN)/python -m tests.slack.gallery build/gallery

lock: $(READY)  ## bring the locks in line with pyproject.toml (ARGS=--upgrade for newer ones)
	$(COMPILE) $(ARGS) --extra postgres --output-file requirements.lock
	$(COMPILE) $(ARGS) --extra postgres --extra aws --extra gcp --extra azure --extra vault \
		--extra kubernetes --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean:  ## remove everything made here
	rm -rf .venv build dist *.egg-info .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find bot benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made again when a lock or pyproject.toml changes. The bot is
# installed without its dependencies, which came from the lock, and built with the
# setuptools of the lock.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is not Python 3.11 or newer: name one, as in make PYTHON=python3.12"; \
		exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $(READY)
