# Trafficmon: `make` lists what there is. Everything sets itself up; Python 3.11+ is all it needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV_VERSION = $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

DURATION ?=
CAMERAS ?=
export CAMERAS

$(BIN)/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trafficmon needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Compiled once here, not by every daemon at its start: the first verdict comes seconds earlier.
$(READY): requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing what requirements.lock names (about 7 GB with torch; half a minute to some minutes)"
	@start=$$(date +%s); \
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	$(BIN)/python -m compileall -q streaming trafficmon_dagster; \
	echo "Installed in $$(( $$(date +%s) - start )) s"
	@touch $@

.PHONY: setup
setup: $(READY) ## install everything into .venv, at the versions of requirements.lock

.PHONY: demo
demo: $(READY) ## the whole system on four synthetic cameras; DURATION=90 ends it, CAMERAS="a.mp4 rtsp://…" replaces them
	@$(BIN)/trafficmon demo $(if $(DURATION),--duration $(DURATION))

.PHONY: check
check: $(READY) ## lint and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: test
test: check ## lint, types and every test (TESTS=path narrows it)
	@$(BIN)/pytest $(TESTS)

.PHONY: format
format: $(READY) ## rewrite the code in the common style
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: lock
lock: $(BIN)/uv ## take the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group dev \
	  --generate-hashes --no-emit-index-url --no-header pyproject.toml --output-file requirements.lock

.PHONY: bench
bench: $(READY) ## measure this machine: reports/bench_*.json
	@for name in junction detector; do $(BIN)/trafficmon bench $$name --report-file reports/bench_$$name.json; done

.PHONY: clean
clean: ## stop what runs and remove data, logs, reports and .venv
	@[ ! -x $(BIN)/trafficmon ] || $(BIN)/trafficmon down || true
	@rm -rf .trafficmon logs reports .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info $(VENV)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done
