# Everything sets itself up: `make run` and `make test` work on a fresh clone.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-clis test-fleet test-axe test-webengine webengine translations \
	check format bench lock package prove-container prove-package clean

BIN := .venv/bin
PYTHON_OF_OXIDE := $(BIN)/python
WORKERS ?= 2
ARGS ?=
export PYTHON

# Where nothing may be missing (CI), a system package that cannot be had and a skipped test are failures.
STRICT := $(if $(CI),--strict)
NO_SKIPS := $(if $(CI),-p no_skips)

SHELL_SCRIPTS := installers/setup installers/macos/build_dmg.sh installers/macos/keychain.sh installers/linux/prerm installers/linux/postrm installers/container/install installers/container/system .ci/run
MYPY_PLATFORMS := linux darwin win32
BENCHMARKS ?= $(sort $(filter-out benchmarks/_%,$(wildcard benchmarks/*.py)))

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo '  ARGS="…" is passed on by run, test and bench.'

setup: ## Prepare what running needs (once; quick when all is there)
	@installers/setup app $(STRICT)
ifneq ($(filter setup,$(MAKECMDGOALS)),)
	@echo 'Oxide is ready: make run, or $(BIN)/oxide --help'
endif

webengine: setup ## Add what shows the dashboard inside the window (QtWebEngine, 175 MB)
	@PATH="$$PATH:.uv/bin" && uv pip install --quiet --python $(PYTHON_OF_OXIDE) -r requirements/webengine.txt

setup-dev:
	@installers/setup dev $(STRICT)

run: setup ## Start Oxide (ARGS="run 'What is 2+2?'" for one command)
	@$(BIN)/oxide $(ARGS)

# Without ARGS: all tests, 90 % of all branches and every branch of the core. With ARGS: just those tests.
test: setup-dev ## Run the tests (ARGS="tests/unit -k router" for some)
ifeq ($(strip $(ARGS)),)
	@PYTHONPATH=tests/plugins $(PYTHON_OF_OXIDE) -m pytest -n $(WORKERS) --dist loadfile $(NO_SKIPS) \
		--cov --cov-report=term --cov-fail-under=90
	@report=$$($(PYTHON_OF_OXIDE) -m coverage report --include='oxide_desktop/core/*' --fail-under=100) \
		|| { echo 'The core is to be covered completely:'; echo "$$report"; exit 1; }
else
	@PYTHONPATH=tests/plugins $(PYTHON_OF_OXIDE) -m pytest $(NO_SKIPS) $(ARGS)
endif

CLIS ?= $(HOME)/.cache/oxide-test-clis

test-clis: setup-dev ## Run the real Gemini CLI, Qwen Code and Claude Code against local servers (700 MB from npm, once)
	@$(PYTHON_OF_OXIDE) installers/test_clis.py "$(CLIS)"
	@OXIDE_TEST_CLIS="$(CLIS)/bin" $(PYTHON_OF_OXIDE) -m pytest -m clis tests/integration $(ARGS)

FLEET ?= $(HOME)/.cache/oxide-test-fleet
# Two earlier releases of this package stole credentials: one version, and nothing that came later than it was looked at.
LITELLM := --exclude-newer 2026-11-08 'litellm[proxy]==1.106.2'

test-fleet: setup-dev ## Run a real LiteLLM proxy before two model servers (600 MB of packages, once)
	@PATH="$$PATH:.uv/bin" && uv venv --quiet --allow-existing --python $(PYTHON_OF_OXIDE) "$(FLEET)" && \
		uv pip install --quiet --python "$(FLEET)" $(LITELLM)
	@OXIDE_TEST_LITELLM="$(FLEET)/bin/litellm" $(PYTHON_OF_OXIDE) -m pytest -m fleet tests/integration/test_fleet.py $(ARGS)

AXE ?= $(HOME)/.cache/oxide-test-axe

test-axe: setup-dev ## Look at every page of the web view with axe-core (from npm, once)
	@$(PYTHON_OF_OXIDE) installers/test_axe.py "$(AXE)"
	@OXIDE_TEST_AXE="$(AXE)" $(PYTHON_OF_OXIDE) -m pytest -m axe tests/fronts/test_web_axe.py $(ARGS)

WEBENGINE ?= $(HOME)/.cache/oxide-test-webengine

test-webengine: setup-dev ## Show the web view in a real QtWebEngine (175 MB of packages, once)
	@PATH="$$PATH:.uv/bin" && uv venv --quiet --allow-existing --python $(PYTHON_OF_OXIDE) "$(WEBENGINE)" && \
		uv pip install --quiet --python "$(WEBENGINE)" -r requirements/dev.txt -r requirements/webengine.txt
	@QTWEBENGINE_DISABLE_SANDBOX=1 "$(WEBENGINE)/bin/python" -m pytest -m webengine tests/fronts/test_web_engine.py $(ARGS)

translations: setup-dev ## Bring a translation up to date and compile it (LANGUAGE=de)
	@$(PYTHON_OF_OXIDE) installers/translations.py "$(LANGUAGE)"

check: setup-dev ## Format, lint, types for three systems, layers, sizes
	@$(BIN)/ruff format --check --quiet . || { echo 'Run make format.'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@for platform in $(MYPY_PLATFORMS); do \
		$(BIN)/mypy --no-error-summary --platform $$platform --cache-dir .mypy_cache/$$platform || exit 1; \
	done
	@$(BIN)/lint-imports --no-cache > .import-linter.log || { cat .import-linter.log; exit 1; }
	@$(PYTHON_OF_OXIDE) -m pytest -q --no-header tests/unit/test_house.py
	@if command -v shellcheck > /dev/null; then shellcheck $(SHELL_SCRIPTS); \
		elif [ -n "$(CI)" ]; then echo 'shellcheck is missing'; exit 1; fi

format: setup-dev ## Put the code in order
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: setup-dev ## Measure (BENCHMARKS=benchmarks/NAME.py for one)
	@for script in $(BENCHMARKS); do echo "== $$script"; $(PYTHON_OF_OXIDE) $$script $(ARGS) || exit 1; done

train: setup-dev ## Learn the classifier's weights from training/corpus
	@$(PYTHON_OF_OXIDE) training/train.py

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links
LOCK := $(COMPILE) pyproject.toml --extra desktop --extra builtin --group build
SERVER_LOCK := $(COMPILE) pyproject.toml --extra builtin --group build

lock: setup ## Pin the packages again (ARGS=--upgrade for newer ones)
	@PATH="$$PATH:.uv/bin" && \
		$(COMPILE) $(ARGS) --group setup --output-file requirements/uv.txt && \
		$(LOCK) $(ARGS) --output-file requirements/app.txt && \
		$(SERVER_LOCK) $(ARGS) --constraint requirements/app.txt --output-file requirements/server.txt && \
		$(LOCK) $(ARGS) --group dev --constraint requirements/app.txt --output-file requirements/dev.txt && \
		$(COMPILE) pyproject.toml --extra desktop --extra webengine $(ARGS) --constraint requirements/app.txt \
			--output-file requirements/webengine.txt && \
		$(LOCK) $(ARGS) --group package --constraint requirements/app.txt --output-file requirements/package.txt

package: setup ## Build what people install, into dist/ (on Linux a .deb and a tarball)
	@$(PYTHON_OF_OXIDE) installers/package.py

prove-container: setup ## As root: carry the Containerfile out in bare roots, and run what comes of it
	@$(PYTHON_OF_OXIDE) installers/container/prove.py $(ARGS)

prove-package: setup ## As root on a Debian: lint the .deb of make package, install, use and remove it in a bare root
	@$(PYTHON_OF_OXIDE) installers/linux/prove.py $(ARGS)

clean: ## Remove what was made here, environments included
	@rm -rf .venv .uv build dist .mypy_cache .ruff_cache .pytest_cache .import-linter.log .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
