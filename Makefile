# Every target sets up what it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test lint check fix bench fuzz soak coverage package screenshots comparison samples clean

# Debian's python3 cannot put pip into a new environment without its package python3-venv; a pip outside can.
$(STAMP): pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } || \
	    { echo "make: no virtual environment could be made; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The main job at work: the sniffer on this machine's interfaces, the monitor on its log. DEMO=1 makes traffic too.
run: $(STAMP)
	@VENV=$(VENV) DEMO=$(DEMO) sh deploy/try/run.sh

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Ratios of one run against what is installed (grep, goaccess, tshark ...).
bench: $(STAMP)
	$(BIN)/python -m bench

# Hostile input, guided by coverage, FUZZ_SECONDS (60) for each target.
fuzz: $(STAMP)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m fuzz

# nginx under load, both programs watching, everything that can happen to them; SOAK_SECONDS (600). As root.
soak: $(STAMP)
	$(BIN)/python -m tests.soak

# The sdist and the wheel, looked through, and the wheel installed and run where nothing else is.
package: $(STAMP)
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m venv --clear build/empty
	build/empty/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	build/empty/bin/python -m pip check
	cd build && empty/bin/sniffer --version && empty/bin/monitor --version
	cd build && empty/bin/monitor --replay --output json ../sample_logs/two_alerts.log | grep -q '"type":"summary"'
	cd build && empty/bin/sniffer -r ../tests/sniffer/captures/browsing.pcap -w - | grep -q HTTP/1

# Branches that the tests take, in this process and in those that they start. Those that have given up root write, too.
# Nothing random is tried: a branch that only a lucky example takes is not tested. What does no I/O has all of them taken.
coverage: export COVERAGE_FILE := $(CURDIR)/build/coverage/data
coverage: $(STAMP)
	mkdir -p build/coverage && chmod 1777 build/coverage
	$(BIN)/python -m pytest --hypothesis-profile=examples --cov --cov-report=term-missing:skip-covered
	$(BIN)/coverage report --rcfile=tests/sans_io.ini

# The README's pictures, made by the program itself in a terminal emulator and in Chromium.
screenshots: $(STAMP)
	$(BIN)/python -m docs.screenshots

# The page that compares with other programs, by running them.
comparison: $(STAMP)
	$(BIN)/python -m docs.comparison

samples: $(STAMP)
	$(BIN)/python sample_logs/make.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
