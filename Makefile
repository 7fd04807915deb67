# loupan needs Python 3.11, 3.12 or 3.13 and make; everything else is fetched into .venv, pinned by hash.
# Say which Python with `make run PYTHON=/path/to/python3.12`, and pass options with `make run ARGS="--help"`.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Empty means: the first of these that is new enough and can make environments.
PYTHON ?=
CANDIDATES := python3.11 python3.12 python3.13 python3 python
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# Where this is set, each of the tests' many processes would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## what there is to make
	@echo "make …"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1	\2/p' Makefile

.PHONY: run
run: $(VENV)/.loupan ## the demo: a city's estates worked live, in the browser (= loupan demo)
	@$(BIN)/loupan demo $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## the tests; one that needs what is not here says so and is skipped
	@$(BIN)/pytest $(PARALLEL) $(ARGS)
# In the order of the folders. By default the files of few tests come last, and among those are the longest: one worker
# would have nothing left to do while another is at its last file.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: check
check: $(VENV)/.dev ## all that CI checks: style, types, import directions, tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest $(PARALLEL)

.PHONY: faults
faults: $(VENV)/.dev ## everything dies at any time, on real servers: some five minutes
	@LOUPAN_FAULTS=$${LOUPAN_FAULTS:-1} $(BIN)/pytest $(LEFT_BEHIND) -n 2 --dist load tests/faults $(ARGS)
# Two at a time: each has servers of its own, and most of it is waiting.
# kafka-python leaves the sockets of a broker that died to the garbage collector: that is not what is tested there.
LEFT_BEHIND := -W "ignore:unclosed:ResourceWarning" -W "ignore::pytest.PytestUnraisableExceptionWarning"

.PHONY: soak
soak: ## the same, five times as often
	@LOUPAN_FAULTS=5 $(MAKE) --no-print-directory faults

.PHONY: bench
bench: $(VENV)/.loupan ## how fast it is here, beside its peers of the same run (= loupan bench)
	@$(BIN)/loupan bench $(ARGS)

.PHONY: env
env: $(VENV)/.dev ## the environment for development, and nothing more

.PHONY: lock
lock: $(VENV)/.dev ## pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile $(LOCK) --group build pyproject.toml -o requirements.lock >/dev/null
	$(BIN)/uv pip compile $(LOCK) --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock >/dev/null
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: clean
clean: ## remove the environment and all that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find agents maps schemas streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@for python in $(or $(PYTHON),$(CANDIDATES)); do \
	  if "$$python" -c '$(FITS)' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "loupan needs Python 3.11, 3.12 or 3.13 with its venv module; none of these is one: $(or $(PYTHON),$(CANDIDATES))." >&2; \
	  echo "Here, python3 is $$(python3 --version 2>&1). Install one (Debian: apt-get install python3 python3-venv)," >&2; \
	  echo "or say where it is: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)

# Each stamp is younger than what it was made from, so that a second run has nothing to do.
$(VENV)/.locked: requirements.lock | $(VENV)/pyvenv.cfg
	@echo "installing what requirements.lock pins"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# The build backend is in the lock too: no isolated build environment, so nothing unpinned is fetched.
$(VENV)/.loupan: pyproject.toml $(VENV)/.locked
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.loupan
	@echo "installing what requirements-dev.lock pins"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
