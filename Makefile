# ticketd: everything a person types here. `make demo` and `make test` need nothing prepared.
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
TESTS ?= tests

.PHONY: demo test fast check bench fuzz soak lock install clean

demo: $(VENV)/.demo
	$(VENV)/bin/ticketd demo

test: $(STAMP)
	.ci/packages
	$(MAKE) --no-print-directory check
	$(PYTHON) -m pytest -n 2 --dist worksteal $(TESTS)

fast: $(STAMP)
	$(PYTHON) -m pytest -n 2 -m "not server and not slow" $(TESTS)

check: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(STAMP)
	.ci/packages
	$(PYTHON) tests/bench/run.py

# Under an hour; `make soak SHARE=0.1` for a tenth of it.
SHARE ?= 1
soak: $(STAMP)
	.ci/packages
	$(PYTHON) -m tests.crash.soak $(SHARE)

fuzz: $(STAMP)
	$(PYTHON) tests/fuzz_parse.py

# The exact versions, hashed, without index lines (they would name a registry).
lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra all --extra dev --python-version 3.11 pyproject.toml -o requirements.lock

$(STAMP): pyproject.toml requirements.lock .ci/environment
	.ci/environment $(VENV)
	touch $@ $(VENV)/.demo

$(VENV)/.demo: pyproject.toml requirements.lock .ci/environment
	.ci/environment $(VENV)
	touch $@ $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
