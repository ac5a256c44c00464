# The manual of the project: every task is a target here.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check format bench peers clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/'

# The environment is rebuilt when the lock changes. uv comes from PyPI into the same folder.
$(VENV)/ready: uv.lock pyproject.toml
	@test -x $(BIN)/python || python3 -m venv $(VENV) || { echo "Python 3.11 with venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install 'uv>=0.9'
	@$(BIN)/uv sync --quiet --frozen --inexact
	@touch $@

demo: $(VENV)/ready  ## start Chappe with a simulated carrier and a demo account
	@$(BIN)/chappe demo

check: $(VENV)/ready  ## format, lint, types, import rules, dependencies
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: $(VENV)/ready  ## format the code and mend what lint can mend
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

peers:  ## install the independent SMPP implementations that the tests talk to
	@command -v npm >/dev/null || { echo "node and npm are needed: apt-get install nodejs npm" >&2; exit 1; }
	@npm --prefix tests/peers/node ci --no-audit --no-fund --loglevel=error
	@command -v bearerbox >/dev/null && command -v smsbox >/dev/null \
		|| { echo "Kannel is needed: apt-get install kannel" >&2; exit 1; }

clean:  ## remove what the targets made, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache build dist
