# ticketd: everything a person types here. `make demo` and `make test` need nothing prepared.
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
TESTS ?= tests

# Where `make install` puts things; DESTDIR goes before all of it. INTERPRETER names another Python than the
# system's, PACKAGES a directory of packages that are there already.
PREFIX ?= /usr/local
ENVIRONMENT ?= /opt/ticketd
DESTDIR ?=
INTERPRETER ?=
PACKAGES ?=

.PHONY: demo test fast check bench fuzz soak lock install uninstall clean

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

# Again over a desk that runs: it goes on with what it has loaded until it is restarted.
install:
	INTERPRETER="$(INTERPRETER)" PACKAGES="$(PACKAGES)" systemd/environment "$(ENVIRONMENT)" "$(DESTDIR)"
	"$(DESTDIR)$(ENVIRONMENT)/bin/python" -I -m ticketd install --prefix "$(PREFIX)" --destdir "$(DESTDIR)"

# What install put goes; /etc/ticketd, the state and the account stay.
uninstall:
	"$(DESTDIR)$(ENVIRONMENT)/bin/python" -I -m ticketd install --remove --prefix "$(PREFIX)" --destdir "$(DESTDIR)"
	rm -rf "$(DESTDIR)$(ENVIRONMENT)"

# The exact versions, hashed, without index lines (they would name a registry): all that the tests need, and
# what a desk runs with (the build backend too, so that installing fetches nothing that has no hash).
COMPILE := uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	--python-version 3.11 --extra all
lock:
	$(COMPILE) --extra dev pyproject.toml -o requirements.lock
	echo 'setuptools>=77' | $(COMPILE) --constraint requirements.lock pyproject.toml - -o requirements-run.lock

$(STAMP): pyproject.toml requirements.lock .ci/environment
	.ci/environment $(VENV)
	touch $@ $(VENV)/.demo

$(VENV)/.demo: pyproject.toml requirements.lock .ci/environment
	.ci/environment $(VENV)
	touch $@ $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
