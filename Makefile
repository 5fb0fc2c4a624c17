PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
BUNDLE_ARGS ?=
TORTURE_ARGS ?=
VENV := .venv
TREES := $(wildcard archive migrations tests bench docs deploy/release)

# Tests start the command hundreds of times, and would compile it each time.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format check docs man pictures bench bench-full dist bundle lock clean torture \
	$(VENV)/build $(VENV)/dev

help: ## print these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/build ## install archive into .venv and run it on a made-up fleet: 1 minute
	$(VENV)/bin/archive demo
	@echo
	$(VENV)/bin/archive dashboard --database archive-demo.db --title "A made-up fleet" -o archive-demo.html

test: $(VENV)/dev ## run the tests: 5 minutes on 2 cores; PYTEST_ARGS="..." passes options to pytest
	$(VENV)/bin/pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/dev ## check format, style, types and import rules
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m docs.prose

format: $(VENV)/dev ## format the code and fix what ruff can fix
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

check: lint test ## lint, then test

docs: $(VENV)/dev ## generate docs/schema.md
	$(VENV)/bin/python -m docs.schema

man: $(VENV)/dev ## generate the manual page, deploy/share/man/man1/archive.1
	$(VENV)/bin/python -m docs.man

pictures: $(VENV)/dev ## take the pictures of docs/images again; needs Chromium
	$(VENV)/bin/python -m docs.pictures

torture: $(VENV)/dev ## try faults on archives of both databases: 30 minutes; TORTURE_ARGS="--seconds 600" sets the time of each
	$(VENV)/bin/python -m tests.torture $(TORTURE_ARGS)

bench: $(VENV)/dev ## measure all claims about speed, in minutes; BENCH_ARGS="..." passes options
	$(VENV)/bin/python -m bench $(BENCH_ARGS)

bench-full: $(VENV)/dev ## measure all claims over millions of jobs, and how figures grow with them: some hours
	$(VENV)/bin/python -m bench --full $(BENCH_ARGS)

dist: $(VENV)/dev ## build a release into dist/: sdist, wheel, bill of materials, checksums
	$(VENV)/bin/python -m deploy.release.dist

bundle: dist ## build one file for sites without Internet into dist/; BUNDLE_ARGS="--python 3.13" names another Python
	$(VENV)/bin/python -m deploy.release.bundle $(BUNDLE_ARGS)

# Each lock is constrained by the runtime lock, so that tests use the versions that users get.
lock: ## update the locked versions in .ci and bench
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

clean: ## remove the environments, builds and caches
	rm -rf $(VENV) .venv-bench build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	$(if $(TREES),find $(TREES) -name __pycache__ -prune -exec rm -rf {} +)

# Each target checks quickly whether its environment is complete and up to date, and creates it if necessary.
$(VENV)/build $(VENV)/dev: $(VENV)/%:
	@.ci/environment "$(PYTHON)" $(VENV) $*
