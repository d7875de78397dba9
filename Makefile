# The verbs of this project, the same on a laptop and in CI. Needs Python 3.11+ and make, nothing else.

VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python
PIP    := $(RUN) -m pip --disable-pip-version-check --no-input -qq
STAMPS := $(VENV)/stamps

# Every part and every test is a process; without cached bytecode each would compile this package anew, for a third of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up test check bench long simulate planted format lock template reference screenshots web clean
.DELETE_ON_ERROR:

help: ## this list
	@echo 'make VERB [ARGS="..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

up: $(STAMPS)/app web ## two regions, the authority and the edge on this machine, until Ctrl-C; ARGS go to `multiregion up`
	@exec $(BIN)/multiregion up $(ARGS)

test: $(STAMPS)/dev $(STAMPS)/app web ## every test, browser included; ARGS go to pytest
	@$(RUN) scripts/build_web.py test
	@browser="$$(scripts/ensure_chromium.sh)" && CHROMIUM="$$browser" $(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMPS)/dev $(STAMPS)/app web ## style, types, layout, and everything generated is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(RUN) scripts/lock.py --check
	$(RUN) -m scripts.reference --check
	$(RUN) -m infra --check
	$(RUN) scripts/build_web.py check
	$(RUN) -m pytest -q tests/unit/test_layout.py tests/unit/test_docs.py

long: $(STAMPS)/dev $(STAMPS)/app web ## what takes too long for every run: each cell of failing storage, 3,000 seeds of the simulation
	@$(RUN) -m pytest -m long -n 2 --dist load $(ARGS)
	@$(RUN) -m tests.simulation --seeds 0-2999 -j 2

simulate: $(STAMPS)/dev $(STAMPS)/app ## the system under trouble, one seed after another; ARGS="--seeds 0-9999 -j 2"
	@$(RUN) -m tests.simulation $(ARGS)

bench: $(STAMPS)/dev $(STAMPS)/app ## how fast, beside a peer or a limit measured in the same run; ARGS name benchmarks
	@$(RUN) -m benchmarks $(ARGS)

planted: $(STAMPS)/dev $(STAMPS)/app ## plants bugs in a copy of the code, and lists those no test notices; ARGS="-j 4 records"
	@$(RUN) -m tests.planted $(ARGS)

format: $(STAMPS)/dev ## lays the Python out, sorts its imports
	@$(BIN)/ruff check --select I --fix --quiet
	@$(BIN)/ruff format

web: $(STAMPS)/runtime ## the web application's bundle, if its sources have changed
	@$(RUN) scripts/build_web.py

reference: $(STAMPS)/dev $(STAMPS)/app ## writes the generated parts of docs/reference.md and docs/guarantees.md
	@$(RUN) -m scripts.reference

template: $(STAMPS)/dev $(STAMPS)/app web ## writes deployment/*.template from infra/
	@$(RUN) -m infra

screenshots: $(STAMPS)/dev $(STAMPS)/app web ## takes the pictures of the web application in docs/ anew
	@CHROMIUM="$$(MULTIREGION_REQUIRE_BROWSER=1 scripts/ensure_chromium.sh)" && CHROMIUM="$$CHROMIUM" $(RUN) scripts/screenshots.py

lock: $(STAMPS)/dev ## lock files from pyproject.toml; ARGS=--upgrade for newer versions
	@$(RUN) scripts/lock.py $(ARGS)

clean: ## removes the environment and all that was built; data stays
	rm -rf $(VENV) build dist web/node_modules web/dist src/multiregion/web

$(STAMPS)/venv:
	@echo "Making the Python environment in $(VENV)"
	@PYTHON="$(PYTHON)" scripts/make_venv.sh $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements/runtime.txt requirements/build.txt | $(STAMPS)/venv
	@echo "Installing Python packages"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/runtime
	@echo "Installing Python packages for development"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Editable, and built with the pinned tools of the environment, so nothing is fetched here.
$(STAMPS)/app: pyproject.toml hatch_build.py $(STAMPS)/runtime
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@
