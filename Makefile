# Everything a person does here. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test bench soak ui run lint clean

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## thirty days of an invented organisation, from its GitHub to a report, in a few minutes
	@$(BIN)/oss-datastore demo

ui: $(READY) ## open the Dagster UI on the same home, http://127.0.0.1:3000
	@$(BIN)/oss-datastore ui

run: $(READY) ## fetch from GitHub what is missing, with the settings of .env
	@$(BIN)/oss-datastore run

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

BENCHMARKS := client_pacing client_throughput fetch_cost fetch_throughput fetch_memory fetch_scale store alerts dead_letters \
  psa_load vault_days report ui

bench: $(READY) ## measure what is promised: requests, points, pace, memory, hours
	@code=0; for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || code=1; done; \
	  $(BIN)/python -m benchmarks.fetch_scale --repositories 5000 --steady --hours 6 || code=1; \
	  $(BIN)/python -m benchmarks.vault --issues 1000000 --dbt || code=1; exit $$code

soak: $(READY) ## fetch while everything goes wrong, load in every order: nothing may be lost or differ
	nice $(BIN)/python -m soak
	nice $(BIN)/python -m soak.plans
	nice $(BIN)/python -m soak.engines
	nice $(BIN)/python -m soak.warehouse_stops

lint: $(READY) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean: ## remove the virtual environment and what tools left (never the data)
	rm -rf $(VENV) sql/target sql/logs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Debian's python3 comes without ensurepip; then virtualenv, installed for the user, makes the environment.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || \
	  { rm -rf $(VENV); $(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }
	@echo "installing the locked dependencies (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
