PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# Whole files on two processes, each with its own stores. PYTEST_FLAGS= runs them in one.
PYTEST_FLAGS ?= --numprocesses 2 --dist loadfile
# pip gives an index that is slow or stalls more time than it does by itself.
export PIP_DEFAULT_TIMEOUT ?= 60
export PIP_RETRIES ?= 10

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format bench swarm chaos moderation-eval migrate migrate-down reset clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: .venv/.installed ## make .venv with everything the other targets need

.venv/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(RUN) || $(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	touch $@

run: install ## start stores, server and worker; Ctrl-C stops all
	@exec $(RUN) run_server.py --with-worker

demo: install ## watch one SOS travel between phones, two servers and a worker
	@$(RUN) -m demo

test: install ## run all tests
	$(RUN) -m pytest $(PYTEST_FLAGS)

check: install ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest $(PYTEST_FLAGS)

format: install ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure the socket engine and the job layer against their peers
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev,bench]'
	$(RUN) -m bench.sockets
	$(RUN) -m bench.jobs

swarm: install ## send a crowd of sockets at two servers of its own; SWARM="--sockets 500 --seconds 30" for more
	$(RUN) -m swarm $(SWARM)

chaos: install ## the fault tests at full scale: a thousand rounds of kills and outages, about half an hour
	CHAOS_ROUNDS=1000 SHOWER_ROUNDS=200 FAN_OUT_HELPERS=10000 $(RUN) -m pytest \
		tests/workers/test_faults.py tests/workers/test_fan_out.py tests/cluster/test_shower.py --timeout 7200

moderation-eval: install ## measure the moderation classifier; writes docs/moderation.md
	$(RUN) -m domain.moderation.evaluate

migrate: install ## bring the schema of the configured (or embedded) stores up to date
	$(RUN) -m db.migrate up

migrate-down: install ## take the last migration back
	$(RUN) -m db.migrate down

reset: install ## drop the embedded stores and everything in them
	$(RUN) -m db.embedded reset

clean: ## remove .venv and caches, keep .data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
