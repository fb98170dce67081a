# Everything a developer or a newcomer runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHON SYSTEM
# pip must not ask, and must not care which index it is pointed at: the lock file's hashes decide
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The demo reads these from its environment: a text may hold quotes, `$$` and spaces, so no shell may see it.
# `value` keeps make from expanding what the user wrote; `unexport` keeps make from expanding it on the way.
unexport SOUND TEXT SINK ONCE
ifdef SOUND
export LOA_DEMO_SOUND := $(value SOUND)
endif
ifdef TEXT
export LOA_DEMO_TEXT := $(value TEXT)
endif
ifdef SINK
export LOA_DEMO_SINK := $(value SINK)
endif
ifdef ONCE
export LOA_DEMO_ONCE := $(value ONCE)
endif

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */  \1\t/' | expand -t 12

.PHONY: demo
demo: run-packages $(VENV)/.project ## a small commune: ONCE=1 SOUND=file TEXT="…" SINK=default
	@$(BIN)/loa-controller demo

.PHONY: setup
setup: test-packages $(VENV)/.project ## everything that the other targets need

.PHONY: test
test: test-packages $(VENV)/.project ## all tests, or ONLY="tests/schedules -k late"
ifdef ONLY
	$(BIN)/python -m pytest $(ONLY)
else
	@$(MAKE) --no-print-directory --jobs=2 test-flows test-others
	$(BIN)/python -m pytest -n 3 --dist loadfile -m browser
	$(BIN)/python -m pytest -m realtime
endif

# Flows wait for loudspeakers most of the time: meanwhile others take what they leave of the processor. Browsers do
# not: they set their own priority.
.PHONY: test-flows test-others
test-flows:
	$(BIN)/python -m pytest -n 3 --dist loadfile -m flow
test-others:
	nice -n 15 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not realtime and not install and not flow and not browser"

.PHONY: check
check: python-packages $(VENV)/.project ## style, types, architecture, dead and doubled code, lock file
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync $(CHECKS)

CHECKS := check-types check-doubled check-style check-imports check-sizes check-dead check-lock check-words
.PHONY: $(CHECKS)
check-style:
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
check-types:
	$(BIN)/mypy --no-error-summary
check-imports:
	$(BIN)/lint-imports --no-logo
check-sizes:
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_architecture.py
check-dead:
	$(BIN)/python tools/dead_code.py loa bench tools
check-doubled:
	$(BIN)/pylint --score=no loa
check-lock:
	$(BIN)/python tools/lock_fits.py
check-words:
	$(BIN)/python tools/words.py

.PHONY: bench
bench: test-packages $(VENV)/.project ## every figure with its peer, or ONLY=fanout
	@$(BIN)/python -m bench $(ONLY)

.PHONY: field
field: test-packages $(VENV)/.project ## faults without mercy, judged by what sounded: FAULTS=200 SEED=1 KINDS="…" WITHOUT="…"
	@$(BIN)/python -m tests.field --faults $(or $(FAULTS),200) $(if $(SEED),--seed $(SEED)) \
	  $(if $(KINDS),--kinds $(KINDS)) $(if $(WITHOUT),--without $(WITHOUT))

.PHONY: attacks
attacks: test-packages $(VENV)/.project ## attacks from outside, none of which may sound: ONLY="forged …" BROKEN=1
	@$(BIN)/python -m tests.attacks $(if $(BROKEN),--broken) $(if $(ONLY),--only $(ONLY))

.PHONY: fuzz
fuzz: test-packages $(VENV)/.project ## search what strangers send for faults: SECONDS=600 KEEP=1; the API and sounds, too
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(if $(KEEP),--keep)
	$(BIN)/python -m tests.fuzz.api
	$(BIN)/python -m tests.fuzz.sounds

.PHONY: format
format: $(VENV)/.project ## put the code in order
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header
.PHONY: docs
docs: $(VENV)/.project ## write docs/protocol.md anew from the code
	$(BIN)/python -m loa.protocol.reference >docs/protocol.md.part && mv docs/protocol.md.part docs/protocol.md

.PHONY: guide
guide: test-packages $(VENV)/.project ## take the pictures of docs/guide anew, when the console has changed
	LOA_WRITE_GUIDE=1 $(BIN)/python -m pytest -q tests/browser/test_guide.py

.PHONY: lock
lock: $(VENV)/.project ## choose versions anew: the lock files from pyproject.toml (needs a package index)
	$(COMPILE) --all-extras --upgrade -o requirements.lock pyproject.toml
	$(COMPILE) --extra node --extra gpio --no-annotate -c requirements.lock -o requirements-node.lock pyproject.toml

.PHONY: install-node
install-node: ## make this machine a node, or bring it to this release (as root)
	@tools/install_node.sh

.PHONY: try-install
try-install: test-packages $(VENV)/.project ## install a node in a bare Debian root under .cache (as root; minutes)
	$(BIN)/python -m pytest -m install

.PHONY: clean
clean: ## remove what make and the demo made
	rm -rf $(VENV) .demo .bench .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: python-packages run-packages test-packages
python-packages:
	@tools/setup.sh python
run-packages:
	@tools/setup.sh python run
test-packages:
	@tools/setup.sh python run test

# The order-only prerequisite is checked first but does not make these stale.
$(VENV)/.locked: requirements.lock | python-packages
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@
