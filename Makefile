PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
BUNDLE_ARGS ?=
VENV := .venv
TREES := $(wildcard archive migrations tests bench docs deploy/release)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format check docs man pictures bench bench-full dist bundle lock clean \
	$(VENV)/build $(VENV)/dev

help: ## print these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/build ## install the command into .venv and run it on a made-up fleet: 1 minute
	$(VENV)/bin/archive demo
	@echo
	$(VENV)/bin/archive dashboard --database archive-demo.db --title "A made-up fleet" -o archive-demo.html

test: $(VENV)/dev ## run the tests: 5 minutes; PYTEST_ARGS="..." is handed to pytest
	$(VENV)/bin/pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/dev ## check format, style, types and the direction of imports
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/dev ## format the code and mend what can be mended
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

check: lint test ## lint, then test

docs: $(VENV)/dev ## write the page of the schema, docs/schema.md
	$(VENV)/bin/python -m docs.schema

man: $(VENV)/dev ## write the manual page, deploy/share/man/man1/archive.1
	$(VENV)/bin/python -m docs.man

pictures: $(VENV)/dev ## take the pictures of docs/images anew; it needs a Chromium
	$(VENV)/bin/python -m docs.pictures

bench: $(VENV)/dev ## measure all claims in minutes; BENCH_ARGS="..." is handed to the bench
	$(VENV)/bin/python -m bench $(BENCH_ARGS)

bench-full: $(VENV)/dev ## measure all claims over as many jobs as it takes, in an hour or two
	$(VENV)/bin/python -m bench --full $(BENCH_ARGS)

dist: $(VENV)/dev ## build what is released into dist/: sdist, wheel, bill of materials, checksums
	$(VENV)/bin/python -m deploy.release.dist

bundle: dist ## build one file for sites without Internet into dist/; BUNDLE_ARGS="--python 3.13" names another Python
	$(VENV)/bin/python -m deploy.release.bundle $(BUNDLE_ARGS)

# Each lock is made under the runtime lock: what users get is what is tested.
lock: ## lock the newest versions, in .ci and bench
	tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && \
	"$$tools/bin/python" -m pip --disable-pip-version-check --quiet install uv && \
	compile() { "$$tools/bin/uv" pip compile --quiet --no-cache --upgrade --universal \
		--python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
		"$$@"; } && \
	compile pyproject.toml -o .ci/requirements.txt && \
	compile pyproject.toml --all-extras -c .ci/requirements.txt -o .ci/requirements-extras.txt && \
	compile pyproject.toml --all-extras --group dev -c .ci/requirements-extras.txt -o .ci/requirements-dev.txt && \
	compile pyproject.toml --group build -c .ci/requirements-dev.txt -o .ci/requirements-build.txt && \
	compile bench/requirements.in -o bench/requirements.txt

clean: ## remove the environments and everything the tools leave behind
	rm -rf $(VENV) .venv-bench build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	$(if $(TREES),find $(TREES) -name __pycache__ -prune -exec rm -rf {} +)

# Each checks in a moment that its environment is complete and up to date, and makes it if it is not.
$(VENV)/build $(VENV)/dev: $(VENV)/%:
	@.ci/environment "$(PYTHON)" $(VENV) $*
