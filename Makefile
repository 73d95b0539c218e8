# Everything starts from nothing: the first target that needs it makes .build/, an environment from the hash-locked
# requirements. PYTHON may name another Python of 3.11 or newer.
PYTHON ?= python3
BUILD := .build
BIN := $(BUILD)/venv/bin
LOCKED := $(BUILD)/locked
READY := $(BUILD)/ready

# Where bytecode is never kept, as in many images, each of the hundreds of processes below would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check console screenshots programs fix bench bench-peers bench-batch soak lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(LOCKED): requirements/dev.txt
	@echo "— preparing $(BUILD)/venv from requirements/dev.txt (once; about half a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv --clear $(BUILD)/venv
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements/dev.txt > $(BUILD)/uv.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $(BUILD)/uv.txt
	@# uv takes a tenth of pip's time, but knows nothing of an index that only pip was told of.
	@$(BIN)/uv pip install -qq --python $(BIN)/python --require-hashes -r requirements/dev.txt || \
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $(LOCKED)

$(READY): $(LOCKED) pyproject.toml
	@$(BIN)/uv pip install -qq --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) console  ## three applications live through everything in about 5 minutes (ONCE=1: stop at the end)
	@$(BIN)/python examples/demo.py $(if $(ONCE),--once)

# Types and console side by side, each with its output in one piece.
test: $(READY)  ## everything that must hold, from a clean checkout in under 15 minutes
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check programs console
	@$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder --durations=30

check: $(READY)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "run 'make fix'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

console: $(READY)  ## the browser console, where Node is there and if its sources changed
	@$(BIN)/python console/build.py --if-node

screenshots: $(READY) console programs  ## docs/screenshots anew: every screen of the console on the demo's data, light and dark
	@mkdir -p docs/screenshots && TENURE_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest -m soak tests/console/test_demo.py -k shows_itself

# What the tests drive besides Python; root gets what is missing, others are told.
PROGRAMS := chromium postgresql
programs:
	@missing=; for name in $(PROGRAMS); do dpkg -s $$name > /dev/null 2>&1 || missing="$$missing $$name"; done; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && echo "— installing$$missing" && apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $$missing > /dev/null; } || \
	echo "— not installed:$$missing; the tests that need it say so"

fix: $(READY)  ## format, and mend what the linter can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(READY)  ## speed beside a hand-written FastAPI endpoint, then the archive (LONG=1: a million requests, and MLflow's restore)
	@$(BIN)/python benchmarks/serving.py $(if $(LONG),--long 1000000)
	@$(BIN)/python benchmarks/archive.py $(if $(LONG),--mlflow)

bench-batch: $(READY)  ## a file of rows decided, beside the model alone (ROWS=1000000: so many)
	@$(BIN)/python benchmarks/batch.py $(if $(ROWS),--rows $(ROWS))

bench-peers: $(READY)  ## speed beside MLflow, MLServer, BentoML, LitServe and Ray Serve, each in its own environment
	@$(BIN)/python benchmarks/peers.py

soak: $(READY)  ## the long forms of the fault tests, and every property on new random examples
	@HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -m "soak or not soak"

lock: $(READY)  ## resolve the requirements again, with hashes and without addresses
	@cd requirements && for name in server dev; do ../$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11 $$name.in -o $$name.txt; done

clean:  ## remove what the targets above made
	@rm -rf $(BUILD) console/node_modules console/dist demo-home demo-report.json
