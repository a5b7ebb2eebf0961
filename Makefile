# Everything sets itself up: a virtual environment from the locked requirements.
.DEFAULT_GOAL := help
.PHONY: help setup demo check test slow golden docs lock bench clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

setup: ## Make .venv
	@scripts/setup.sh

demo: setup ## Run two real flows on Prefect, and show where to look
	@.venv/bin/python scripts/demo.py

check: setup ## Lint, types, layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/wdprefect validate deployments/flows

test: setup ## Run the tests
	.venv/bin/python -m pytest -n 3 --dist loadfile -m "not slow" --durations=25

slow: setup ## Run the tests that take a minute or more
	.venv/bin/python -m pytest -n 2 -m slow

golden: setup ## Rewrite the expected results beside the flows of the tests; read the diff
	WDPREFECT_GOLDEN=write .venv/bin/python -m pytest tests/test_golden.py -q

docs: setup ## Write the pages of docs/reference from the code
	.venv/bin/python scripts/reference.py

lock: setup ## Resolve the dependencies anew
	@scripts/lock.sh

bench: setup ## Measure what the README says
	.venv/bin/python benchmarks/steps.py
	.venv/bin/python benchmarks/expressions.py
	.venv/bin/python benchmarks/containers.py
	.venv/bin/python -m benchmarks.namespace_files
	.venv/bin/python benchmarks/book.py
	.venv/bin/python -m benchmarks.storage
	.venv/bin/python -m benchmarks.events
	.venv/bin/python -m benchmarks.fire

clean: ## Remove what the other targets made
	rm -rf .venv .uv .tools dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo-output
