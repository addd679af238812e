# Every target does its own set-up. It needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --constraint constraints.txt

DASHBOARD := batchproc/interfaces/dashboard
SOURCES   := $(addprefix $(DASHBOARD)/,index.html package.json package-lock.json tsconfig.json vite.config.ts) \
             $(shell find $(DASHBOARD)/src -type f)
BUILT     := $(DASHBOARD)/built/sources.sha256

.PHONY: demo test lint types crash torture bench clean

demo: $(VENV)/.installed $(BUILT)   ## real agents read the example contracts
	@$(BIN)/batchproc demo

test: lint                          ## style, types, import contracts, unit and end-to-end tests
	$(BIN)/python -m pytest -m "not crash and not long" --numprocesses 2 --dist worksteal

lint: $(VENV)/.dev $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py tsc --noEmit

types: $(VENV)/.dev                 ## what the dashboard knows of the API's answers, from the published document
	$(BIN)/python hatch_build.py npx --yes openapi-typescript@7.13.0 ../../../docs/openapi.json --output src/schema.d.ts

crash: $(VENV)/.dev $(BUILT)        ## the long tests, then real processes killed with real signals; N=5: a few kills only
	$(if $(N),,$(BIN)/python -m pytest -m long --numprocesses 2 --dist worksteal)
	BATCHPROC_CRASH=$(or $(N),crash) $(BIN)/python -m tests.crash

torture: $(VENV)/.dev               ## the same, for hours
	BATCHPROC_CRASH=torture $(BIN)/python -m tests.crash

bench: $(VENV)/.dev                 ## side by side with peers, as ratios in one run
	$(PIP) --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache $(DASHBOARD)/built $(DASHBOARD)/node_modules

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "batchproc needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installing builds the dashboard too; this is for when its sources change later.
$(BUILT): $(SOURCES) hatch_build.py | $(BIN)/python
	@if test -e $(VENV)/.dev; then $(BIN)/python hatch_build.py; else $(PIP) --editable .; fi

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed
