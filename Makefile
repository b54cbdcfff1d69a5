# Everything a person does here. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test bench soak ui run lint infra-check clean

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## thirty days of an invented organisation, from its GitHub to a report, in a few minutes
	@$(BIN)/oss-datastore demo

ui: $(READY) ## open the Dagster UI on the same home, http://127.0.0.1:3000
	@$(BIN)/oss-datastore ui

run: $(READY) ## fetch from GitHub what is missing, with the settings of .env
	@$(BIN)/oss-datastore run

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

BENCHMARKS := client_pacing client_throughput fetch_cost fetch_throughput fetch_memory fetch_scale store alerts dead_letters \
  psa_load vault_days report ui

bench: $(READY) ## measure what is promised: requests, points, pace, memory, hours
	@code=0; for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || code=1; done; \
	  $(BIN)/python -m benchmarks.fetch_scale --repositories 5000 --steady --hours 6 || code=1; \
	  $(BIN)/python -m benchmarks.vault --issues 1000000 --dbt || code=1; exit $$code

soak: $(READY) ## fetch while everything goes wrong, load in every order: nothing may be lost or differ
	nice $(BIN)/python -m pytest -q -m soak
	nice $(BIN)/python -m soak
	nice $(BIN)/python -m soak.plans
	nice $(BIN)/python -m soak.engines
	nice $(BIN)/python -m soak.warehouse_stops

lint: $(READY) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

INFRA := .venv-infra
AUDIT := .venv-audit
STACKS = $(shell grep -l '^AWSTemplateFormatVersion' infra/*.yaml)
REGIONS := us-east-1 eu-central-1 eu-west-1

infra-check: $(READY) $(INFRA)/.ready $(AUDIT)/.ready ## check the AWS templates, licences and secrets, and write the SBOM
	$(INFRA)/bin/cfn-lint --regions $(REGIONS) --include-checks I -- $(STACKS)
	$(BIN)/python -m pytest -q -n 0 $(foreach part,templates platform rights launching,oss_datastore_tests/infra/test_$(part).py)
	$(INFRA)/bin/checkov --framework cloudformation --compact --quiet --skip-download $(foreach stack,$(STACKS),-f $(stack))
	@mkdir -p build
	$(AUDIT)/bin/pip-licenses --python $(BIN)/python --format csv --output-file build/licences.csv \
	  --allow-only "$$(grep -v '^#' infra/licences.txt | paste -s -d ';')"
	git ls-files -z | grep -z -v -E '[.](png|lock|baseline)$$|column_lineage.json$$|docs/datasets.md$$' | \
	  xargs -0 $(AUDIT)/bin/detect-secrets scan --no-verify > build/secrets.json
	$(BIN)/python -m oss_datastore_tests.infra.found_secrets build/secrets.json
	$(AUDIT)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.json $(BIN)/python

clean: ## remove the virtual environments and what tools left (never the data)
	rm -rf $(VENV) $(INFRA) $(AUDIT) sql/target sql/logs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Debian's python3 comes without ensurepip; then virtualenv, installed for the user, makes the environment.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || \
	  { rm -rf $(VENV); $(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }
	@echo "installing the locked dependencies (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# What checks the templates and what checks the project want other versions of the same packages than the project.
$(INFRA)/.ready: infra/requirements.lock
$(AUDIT)/.ready: infra/audit.lock
$(INFRA)/.ready $(AUDIT)/.ready:
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D) 2>/dev/null || $(PYTHON) -m virtualenv --quiet $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
