# Every target does its own set-up. It needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: demo test lint crash torture bench clean

demo: $(VENV)/.installed            ## real agents read the example contracts
	@$(BIN)/batchproc demo

test: lint                          ## style, types, import contracts, unit and end-to-end tests
	$(BIN)/python -m pytest -m "not crash and not long" --numprocesses 2 --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

crash: $(VENV)/.dev                 ## the long tests, then real processes killed with real signals; N=5: a few kills only
	$(if $(N),,$(BIN)/python -m pytest -m long --numprocesses 2 --dist worksteal)
	BATCHPROC_CRASH=$(or $(N),crash) $(BIN)/python -m tests.crash

torture: $(VENV)/.dev               ## the same, for hours
	BATCHPROC_CRASH=torture $(BIN)/python -m tests.crash

bench: $(VENV)/.dev                 ## side by side with peers, as ratios in one run
	$(PIP) --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "batchproc needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed
