# The commands of whoever works on this project; `make` alone lists them.
# ARGS is handed on: make test ARGS='tests/domain -x', make bench ARGS='--only stall'

BIN := .venv/bin
STAMP := .venv/.installed
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help venv clickhouse test check format docs bench demo lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## install everything, in locked versions, into .venv

$(STAMP): pyproject.toml requirements.lock scripts/venv.sh
	@scripts/venv.sh

clickhouse: venv ## install ClickHouse's engine, half a gigabyte, for the tests that are skipped without it
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --no-deps --group clickhouse

test: venv ## run the tests
	$(BIN)/pytest $(ARGS)

check: venv ## check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## format the code and repair what the linter can repair
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: venv ## write the pages of documentation that are made from the code
	$(BIN)/python -m test_types.reference >docs/test-types.md

bench: venv ## measure what is promised, beside wrk, hey and vegeta where they are installed
	$(BIN)/python -m bench $(ARGS)

demo: venv ## run a load test of a bundled target, in under a minute
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo.sh

lock: ## look for newer versions of everything and write requirements.lock
	scripts/lock.sh

clean: ## remove everything that can be made again: .venv, caches, results of demo and bench
	rm -rf .venv .demo .bench build dist htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
