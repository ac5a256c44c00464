# The manual of the project: every task is a target here.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
DEVELOP := $(VENV)/ready-to-develop

.PHONY: help demo test check format docs bench soak fuzz peers clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/'

# The environment is rebuilt when the lock changes. uv comes from PyPI into the same folder.
$(VENV)/uv:
	@python3 -m venv $(VENV) || { echo "Python 3.11 with venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install 'uv>=0.9'
	@touch $@

$(VENV)/ready: $(VENV)/uv uv.lock pyproject.toml
	@echo "Preparing $(VENV) ..."
	@$(BIN)/uv sync --quiet --frozen --inexact --no-dev
	@touch $@

$(DEVELOP): $(VENV)/uv uv.lock pyproject.toml
	@echo "Preparing $(VENV) for development ..."
	@$(BIN)/uv sync --quiet --frozen --inexact
	@touch $@ $(VENV)/ready

demo: $(VENV)/ready  ## start Chappe with a simulated carrier and a demo account (ARGS="--port 8001" passes options)
	@$(BIN)/chappe demo $(ARGS)

# Many tests wait for servers they started: three at once fill two cores. They start hundreds of processes, which had
# better not compile the code each for itself.
test: $(DEVELOP) peers  ## run the tests
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 3 --dist loadgroup

check: $(DEVELOP)  ## format, lint, types, import rules, dependencies
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: $(DEVELOP)  ## format the code and mend what lint can mend
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

docs: $(DEVELOP)  ## write the pages that come from tables in the code
	$(BIN)/chappe settings --reference > docs/settings.md
	$(BIN)/chappe rule --reference > docs/rules.md
	$(BIN)/chappe country --reference > docs/countries.md
	$(BIN)/chappe carrier options --reference > docs/carrier-options.md
	$(BIN)/python -m tests.contract.examples > examples.json && mv examples.json src/chappe/surfaces/http/smsfactor/examples.json

bench: $(DEVELOP)  ## measure on this machine with a neutral carrier and a webhook sink (ARGS="--quick", "--help")
	$(BIN)/python -m tests.load.bench $(ARGS)

soak: $(DEVELOP)  ## send for half an hour while everything goes wrong, and prove what became of it (ARGS="--minutes 3 --kill", "--help")
	$(BIN)/python -m tests.load.soak.run $(ARGS)

fuzz: $(DEVELOP)  ## look for octets that break the SMPP decoder (ARGS="--minutes 30", "--runs 10000000", "--help")
	@$(BIN)/uv sync --quiet --frozen --inexact --group fuzz
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

peers:  ## install the independent programs that the tests talk to
	@tests/peers/install

clean:  ## remove what the targets made, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache tests/peers/node/node_modules build dist
