# Every task of the repository. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export CDK_HOME := $(CURDIR)/.mlzone/cdk
# The tests and the demo start Python hundreds of times: bytecode is kept, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test check bench lock clean

help: ## list the tasks
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what everything else needs, into .venv and node_modules
	@tooling/setup/setup.sh

demo: setup ## the whole story, from YAML to a monitored model in production, with no AWS account
	@mlzone demo

test: setup ## all tests
	@# In the order of the folders: by number of tests, the few that take long would come last, alone.
	@# One process more than the two cores that there are at least: tests of deployments wait at times.
	@pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --ignore tests/runtime/handlers
	@# Apart: they run on moto's own mock, which changes moto for everything else in a process.
	@pytest --numprocesses 2 tests/runtime/handlers

check: setup ## lint, types, layers, docs
	@ruff check . && ruff format --check .
	@mypy
	@lint-imports

bench: setup ## measure; writes docs/benchmarks.md
	@python -m benchmarks

lock: ## resolve requirements.txt into requirements.lock
	@.venv/bin/uv pip compile --quiet requirements.txt --excludes tooling/setup/excludes.txt --python-version 3.11 --universal --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove what was generated; keeps nothing of .venv, node_modules and the embedded cloud's state
	@rm -rf .venv node_modules .setup .mlzone cdk.out out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
