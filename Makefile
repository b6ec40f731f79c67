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

# The two engines that pin older versions of what we use have environments of their own.
.venv-%/.ready: requirements-%.lock $(BIN)/uv
	@"$(BIN)/python" -m venv .venv-$*
	@$(BIN)/uv pip sync --quiet --python .venv-$*/bin/python --require-hashes requirements-$*.lock
	@touch $@

.PHONY: flink
flink: .venv-flink/.ready ## Flink for `trafficmon run tasks --engine flink`, into .venv-flink

.PHONY: quixstreams
quixstreams: .venv-quixstreams/.ready ## the rival in `trafficmon bench tasks`, into .venv-quixstreams

.PHONY: schemathesis
schemathesis: .venv-schemathesis/.ready ## what throws requests at the API in its test, into .venv-schemathesis

.PHONY: moto
moto: .venv-moto/.ready ## the object storage of the lake's test, into .venv-moto

.PHONY: axe
axe: ## axe-core for the wall's accessibility test, by npm into .axe
	@npm install --no-audit --no-fund --silent --prefix .axe axe-core@4.14.1

.PHONY: demo
demo: $(READY) ## the whole system on four synthetic cameras; DURATION=90 ends it, CAMERAS="a.mp4 rtsp://…" replaces them
	@$(BIN)/trafficmon demo $(if $(DURATION),--duration $(DURATION))

.PHONY: check
check: $(READY) ## lint and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The others start whole systems, and have the machine to themselves.
SIDE_BY_SIDE := tests/unit tests/contract

.PHONY: test
test: check ## lint, types and every test (TESTS=path narrows it)
ifdef TESTS
	@$(BIN)/pytest $(TESTS)
else
	@failed=0; \
	$(BIN)/pytest -n 2 --dist loadfile $(SIDE_BY_SIDE) || failed=1; \
	$(BIN)/pytest $(addprefix --ignore=,$(SIDE_BY_SIDE)) || failed=1; \
	exit $$failed
endif

.PHONY: docs
docs: $(READY) ## the documentation as a site, into site/: open site/index.html, or serve it anywhere
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "site/index.html"

.PHONY: format
format: $(READY) ## rewrite the code in the common style
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: lock
lock: $(BIN)/uv ## take the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group dev \
	  --generate-hashes --no-emit-index-url --no-header pyproject.toml --output-file requirements.lock
	@for name in flink moto quixstreams schemathesis; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header requirements-$$name.in --output-file requirements-$$name.lock; done

.PHONY: bench
bench: $(READY) ## measure this machine, some minutes: reports/bench_*.json and the table in docs/benchmarks.md
	@for name in junction detector aggregation serving; do $(BIN)/trafficmon bench $$name --report-file reports/bench_$$name.json; done
	@$(BIN)/trafficmon bench scheduler --rpm 100000 --instances 1,2,4 --duration 20 --report-file reports/bench_scheduler.json
	@$(BIN)/trafficmon bench pipeline --cameras 10 --duration 60 --report-file reports/bench_pipeline.json
	@$(BIN)/python -m streaming.benchmark.table reports/bench_*.json

.PHONY: bench-peers
bench-peers: $(READY) ## beside LiteLLM's router, Flink, Quix Streams and the bare model, into the same table
	@$(BIN)/trafficmon bench scheduler --instances 1 --duration 120 --peers --report-file reports/bench_peers.json
	@$(BIN)/trafficmon bench tasks --report-file reports/bench_tasks.json
	@$(BIN)/trafficmon bench detection --cameras 25 --saturate --report-file reports/bench_detection.json
	@$(BIN)/python -m streaming.benchmark.table reports/bench_*.json

.PHONY: clean
clean: ## stop what runs and remove data, logs, reports and .venv
	@[ ! -x $(BIN)/trafficmon ] || $(BIN)/trafficmon down || true
	@rm -rf .trafficmon logs reports .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info $(VENV) .venv-litellm

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done
