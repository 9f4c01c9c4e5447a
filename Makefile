# Two commands for newcomers:  make demo   (see it work)    make test   (all tests)
# Each target makes its own .venv; a machine with Python >= 3.10 and make is enough.
# Words for pytest:  make test ARGS='-k reload -x'      Another interpreter:  make demo PYTHON=python3.12

python := .venv/bin/python
ARGS ?=
# Two files of tests at a time: much of it waits for processes. make test PARALLEL= is one after the other.
PARALLEL ?= -n 2 --dist loadfile

.PHONY: help demo demo-production test test-docker lint fix bench
.NOTPARALLEL:

help:
	@echo 'make demo    an endpoint with two versions of a real model, from training to clean-up'
	@echo 'make demo-production    from here to a host with Docker, and back; a second engine as root, else HOST=ssh://user@host'
	@echo 'make test    all tests but those that need Docker, with coverage'
	@echo 'make test-docker    those with containers; without an engine they say why they are skipped'
	@echo 'make lint    ruff, mypy, import contracts'
	@echo 'make fix     let ruff mend what it can'
	@echo 'make bench   this server and azmlinfsrv side by side; how fast an edit answers; the gateway'

# What is installed depends on pyproject.toml alone. Each use has a stamp of its own, so that the demo does not wait for
# linters; a larger use stamps the smaller ones that it contains.
covers_demo := demo
covers_test := test demo
covers_dev := dev test demo

.venv/.ready-%: pyproject.toml .venv/bin/python
	@PYTHON='$(PYTHON)' sh .ci/venv $*
	@touch $(covers_$*:%=.venv/.ready-%)

# Missing, or left dangling by an upgrade of Python: every stamp is void.
.venv/bin/python:
	@:

demo: .venv/.ready-demo
	@$(python) -m sandbox.demo

# A second engine needs root; where python:3.11-slim cannot be pulled, .ci/docker makes a base image and tells its name.
demo-production: .venv/.ready-demo
	@$(python) -m sandbox.demo.production $(HOST)

test: .venv/.ready-test
	@status=0; $(python) -m pytest --cov --cov-report= -m 'not docker' $(PARALLEL) $(ARGS) || status=$$?; \
	echo "coverage: $$($(python) -m coverage report --format=total) %   (line by line: .venv/bin/coverage report)"; \
	exit $$status

# .ci/docker installs and starts an engine, where we may, and makes an image of Python to build on.
test-docker: .venv/.ready-test
	@$(python) -m pytest -m docker -rs $(PARALLEL) tests/docker $(ARGS)

# All of it, also after a finding: one run tells everything.
lint: .venv/.ready-dev
	@status=0; check() { echo "[lint] $$*"; .venv/bin/"$$@" || status=1; }; \
	check ruff check .; check ruff format --check .; check mypy; check lint-imports --no-logo; \
	exit $$status

fix: .venv/.ready-dev
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

bench: .venv/.ready-test
	@$(python) benchmarks/server.py $(ARGS)
	@$(python) benchmarks/reload.py --short
	@$(python) benchmarks/gateway.py
