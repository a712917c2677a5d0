# One command for everything, the same here and in CI.
#
#   PYTHON=python3.12   the interpreter to make the environment with (3.11 or newer; only counts when it is made)
#   VENV=.venv-3.12     another environment beside the usual one
#   TESTS="tests/plan -k transforms"   arguments for pytest
#   LOCK="--upgrade"    arguments for the resolver

PYTHON =
VENV = .venv
TESTS =
LOCK =
UV = 0.13.8

BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: help demo test test-slow lint format schema docs bench lock clean

help:
	@echo "make demo    the bank-marketing example, end to end"
	@echo "make test    the tests, but for the slow    make lint    ruff, mypy, generated files"
	@echo "make test-slow  the slow ones: pages replayed, kills at each step"
	@echo "make format  what ruff can fix itself       make schema  regenerate schemas/"
	@echo "make bench   the benchmarks, with a report  make lock    regenerate requirements.lock"
	@echo "make docs    regenerate docs/reference      make clean   remove the environment, caches and builds"

$(READY): requirements.lock pyproject.toml
	@sh .ci/environment "$(VENV)" "$(PYTHON)"

demo: $(READY)
	$(BIN)/python examples/bank-marketing/demo.py

test: $(READY)
	@$(BIN)/python -m compileall -q engine plugins
	$(BIN)/python -m pytest $(or $(TESTS),-m "not slow")

test-slow: $(READY)
	@$(BIN)/python -m compileall -q engine plugins
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/ordain schema --out schemas --check
	$(BIN)/python docs/generate.py --check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(READY)
	$(BIN)/ordain schema --out schemas

docs: $(READY)
	$(BIN)/python docs/generate.py

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# Versions already in the lock stay, unless LOCK=--upgrade. No index address is written: the lock holds anywhere.
# Needs no environment, so that a broken lock can be mended; any Python runs the resolver.
lock:
	@echo "Resolving requirements.lock for Python 3.11 and newer"
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(or $(PYTHON),python3) -m venv "$$tools"; \
	"$$tools/bin/pip" install -qq --disable-pip-version-check uv==$(UV); \
	"$$tools/bin/uv" pip compile -q pyproject.toml --universal --python-version 3.11 \
	    --extra all --group dev --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --output-file requirements.lock $(LOCK)

clean:
	rm -rf .venv .venv.lock "$(VENV)" "$(VENV).lock" dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
