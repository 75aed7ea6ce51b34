# Everything runs inside .venv, which the first target builds from requirements.lock (a few minutes, needs the
# network). `test` and `bench` add the tools of requirements-dev.lock to it on their first call. After that nothing
# here uses the network. Another interpreter: make test PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.ready-dev
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: course lab test bench check test-gpu clean

# ARGS go to the command, e.g. make course ARGS="--profile smoke 01_mri_physics"
course lab check: $(READY)
	@$(BIN)/python -m mrilab $@ $(ARGS)

test bench: $(TOOLS)
	@$(BIN)/python -m mrilab $@ $(ARGS)

# With the Python at hand, which has torch for its GPU, instead of .venv: see "GPU runner" in CONTRIBUTING.md
test-gpu:
	@$(PYTHON) -m mrilab $@ $(ARGS)

clean:
	rm -rf build data/embedded .pytest_cache .ruff_cache .hypothesis
	@echo "clean: build/ and data/embedded/ are gone; .venv stays (remove it by hand to set up afresh), so does work/"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = sys.version_info >= (3, 11); sys.exit(None if ok else "mrilab needs Python 3.11 or later, but $(PYTHON) is %d.%d; name a newer one, e.g. make PYTHON=python3.11" % sys.version_info[:2])'
	@echo "Setting up .venv from requirements.lock: a few minutes, once ..."
	$(PYTHON) -m venv .venv
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS): $(READY) requirements-dev.lock
	@echo "Adding the tools for tests and benchmarks from requirements-dev.lock, once ..."
	$(INSTALL) -r requirements-dev.lock
	@touch $@
