# Trafficmon: `make` lists what there is. Everything sets itself up; Python 3.11+ is all it needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# PyTorch, which only models of one's own in a .pt need: none, cpu, or cuda with its 5 GB of libraries.
# What was installed last stays until another is asked for.
TORCH ?= $(or $(patsubst $(VENV)/.ready-%,%,$(firstword $(wildcard $(VENV)/.ready-*))),none)
READY := $(VENV)/.ready-$(TORCH)
LOCK := requirements$(if $(filter cuda,$(TORCH)),-torch).lock
# At the versions of the lock, from PyTorch's own index: a build without CUDA is nowhere else.
TORCH_PACKAGES = $(shell sed -nE 's/^(torch|torchvision|ultralytics-opencv-headless|onnx)==([0-9.]+).*/\1==\2/p' requirements-torch.lock)
UV_VERSION = $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

DURATION ?=
CAMERAS ?=
export CAMERAS

$(BIN)/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trafficmon needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Compiled once here, not by every daemon at its start: the first verdict comes seconds earlier.
$(READY): $(LOCK) pyproject.toml | $(BIN)/uv
	@case "$(TORCH)" in none|cpu|cuda) ;; *) echo "TORCH must be none, cpu or cuda, not $(TORCH)" >&2; exit 2;; esac
	@echo "Installing what $(LOCK) names ($(if $(filter cuda,$(TORCH)),8 GB with PyTorch and CUDA,1.9 GB); half a minute to some minutes)"
	@start=$$(date +%s); \
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode $(LOCK); \
	$(if $(filter cpu,$(TORCH)),$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --torch-backend cpu $(TORCH_PACKAGES);) \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	$(BIN)/python -m compileall -q streaming trafficmon_dagster; \
	echo "Installed in $$(( $$(date +%s) - start )) s"
	@rm -f $(VENV)/.ready*
	@touch $@

.PHONY: setup
setup: $(READY) ## install into .venv, at the versions of requirements.lock; TORCH=cpu or cuda for models in a .pt

PREFIX ?= /opt/trafficmon
DESTDIR ?=

# setuptools would pack what an earlier build left in build/.
.PHONY: install
install: $(BIN)/uv ## the program into PREFIX (/opt/trafficmon), apart from this checkout
	@"$(BIN)/python" -m venv "$(PREFIX)"
	@$(BIN)/uv pip sync --quiet --python "$(PREFIX)/bin/python" --require-hashes --compile-bytecode $(LOCK)
	@rm -rf build
	@$(BIN)/uv pip install --quiet --python "$(PREFIX)/bin/python" --no-deps --no-build-isolation .
	@rm -rf build

.PHONY: install-systemd
install-systemd: ## systemd's units, user and folders for PREFIX; DESTDIR=root for a package
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" deployment/systemd/install.sh

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

.PHONY: deployment
deployment: .venv-deployment/.ready ## what checks deployment/: Compose's parser, hadolint, Kubernetes' schemas
	@npm install --no-audit --no-fund --silent --prefix .venv-deployment @kubernetes-models/cloudnative-pg@2.0.0 \
	  @kubernetes-models/keda@2.0.0 @kubernetes-models/strimzi-kafka-operator@1.0.1

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

.PHONY: test
test: check ## lint, types and every test (TESTS=path narrows it)
	@$(BIN)/pytest $(or $(TESTS),-n auto)

.PHONY: quick
quick: $(READY) ## the unit tests alone
	@$(BIN)/pytest -n auto tests/unit

# CI has every program. What starts or looks for one is tried once more where none is found.
BARE := tests/unit/embedded tests/unit/supervision tests/unit/test_guards.py tests/end_to_end/test_wall.py \
  $(addprefix tests/integration/test_,detection_runtimes.py embedded_services.py kcat.py redis_client.py supervision.py)

.PHONY: test-bare
test-bare: $(READY) ## some tests with nothing on PATH, as on a machine with Python and make alone
	@CI= PATH=/nowhere $(BIN)/pytest -n auto $(BARE)

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
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --extra torch --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-header pyproject.toml --output-file requirements-torch.lock
	@for name in deployment flink moto quixstreams sbom schemathesis; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header requirements-$$name.in --output-file requirements-$$name.lock; done
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-header pyproject.toml --output-file requirements-image.lock

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: dist
dist: $(READY) ## the wheel, into dist/
	@rm -rf dist build
	@$(BIN)/uv build --quiet --wheel --python $(BIN)/python --no-build-isolation --out-dir dist

.PHONY: sbom
sbom: dist .venv-sbom/.ready ## what is in an installed wheel, by name, version and licence: CycloneDX and a table, into dist/
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python dist/environment
	@$(BIN)/uv pip install --quiet --python dist/environment --constraint requirements.lock dist/*.whl
	@.venv-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/trafficmon-$(VERSION).cdx.json dist/environment
	@rm -rf dist/environment
	@$(BIN)/python scripts/licences.py dist/trafficmon-$(VERSION).cdx.json > dist/licences.md
	@ls -sh dist

.PHONY: release-check
release-check: ## what must hold before a tag: a clean tree, a changelog, every test, a wheel and its bill of materials
	@[ -z "$$(git status --porcelain)" ] || { echo "there are uncommitted changes" >&2; exit 1; }
	@grep -qF '## [$(VERSION)]' CHANGELOG.md || { echo "CHANGELOG.md has no heading ## [$(VERSION)]" >&2; exit 1; }
	@! git rev-parse --quiet --verify refs/tags/v$(VERSION) >/dev/null || { echo "v$(VERSION) is there already: raise version in pyproject.toml" >&2; exit 1; }
	@$(MAKE) --no-print-directory TORCH=cuda test sbom

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

.PHONY: docker-up
docker-up: ## everything in containers: Kafka, Redis, PostgreSQL, Grafana and ours (deployment/.env.example)
	@deployment/docker.sh up

.PHONY: docker-down
docker-down: ## stop them; what they keep stays in Docker's volumes
	@deployment/docker.sh down

.PHONY: dashboard
dashboard: ## deployment/grafana-dashboard.json, which Grafana's API takes, from the provisioned dashboard
	@python3 -c 'import json, sys; json.dump({"dashboard": json.load(sys.stdin), "overwrite": True}, sys.stdout, indent=2, ensure_ascii=False); print()' \
	  < deployment/grafana/dashboards/trafficmon.json > deployment/grafana-dashboard.json

.PHONY: clean
clean: ## stop what runs and remove data, logs, reports and .venv
	@[ ! -x $(BIN)/trafficmon ] || $(BIN)/trafficmon down || true
	@rm -rf .trafficmon logs reports dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info $(VENV) .venv-litellm

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done
