# make demo and make test need nothing but Python 3.11 or newer and make: they install the rest into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests of one database run in one process; the databases run side by side where there are cores for it.
PYTEST := $(BIN)/python -m pytest -q

export PYTHONDONTWRITEBYTECODE = 1

.PHONY: help install demo test test-sqlite test-postgres test-mariadb lint format bench docs screenshots fuzz package clean

help:
	@echo "make demo     watch two applications share data through a hub"
	@echo "make test     run all tests, on every database that is found here"
	@echo "make lint     ruff, mypy, migrations, documentation"
	@echo "make bench    measure, as ratios"
	@echo "make fuzz     ten thousand requests of chance to the sandbox hub"
	@echo "make docs     build the documentation"
	@echo "make screenshots  take pictures of the sandbox's pages for it, with chromium"
	@echo "make package  build the package and look into it"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[testing,openapi,docs]" --group dev
	@touch $@

demo: install
	@$(BIN)/python -m example_project.demo

test: install
	@$(BIN)/python -m tests.services
	@$(BIN)/python -m tests.everywhere

test-sqlite: install
	@CONNEC_TEST_DB=sqlite $(PYTEST)

test-postgres: install
	@CONNEC_TEST_DB=postgres $(PYTEST)

test-mariadb: install
	@CONNEC_TEST_DB=mariadb $(PYTEST)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run
	$(MAKE) --no-print-directory docs

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: install
	@CONNEC_FUZZ=10000 $(PYTEST) tests/sandbox/test_schemathesis.py

bench: install
	@$(BIN)/python -m benchmarks

# With pictures of the sandbox's pages where there is a browser to take them with.
docs: install
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then $(BIN)/python docs/screenshots.py; fi
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

screenshots: install
	@$(BIN)/python docs/screenshots.py

package: install
	$(BIN)/python -m build --quiet --outdir build/dist
	$(BIN)/python -m tests.package build/dist

clean:
	rm -rf $(VENV) build docs/_build .mypy_cache .ruff_cache .pytest_cache
