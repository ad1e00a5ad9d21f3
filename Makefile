# The jobs of a checkout; `make help` lists them. Every job makes the environment that it needs, once.
#
#   PYTHON   the interpreter that the environment is made from (3.11 or newer)
#   ARGS     more arguments for `python -m proofs_check` or for pytest
#   JOBS     pytest's worker processes: a number, auto, or 0 for none
#   AUDITED  how many random problems `make proofs` audits
#   TORCH    what pip installs for benchmark-transformer; with --extra-index-url a build for CPUs (see pytorch.org)

PYTHON ?= python3
ARGS ?=
JOBS ?= auto
VENV ?= .venv
VENV_LOWEST ?= .venv-lowest
VENV_BENCHMARK ?= .venv-benchmark
TORCH ?= torch
AUDITED ?= 5000

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

PY := $(VENV)/bin/python
PY_LOWEST := $(VENV_LOWEST)/bin/python
PY_BENCHMARK := $(VENV_BENCHMARK)/bin/python
PYTEST = $(PY) -m pytest -n $(JOBS)

# mypy follows an editable install of several top-level packages only in this mode.
PIP_INSTALL = -m pip install --quiet --config-settings editable_mode=compat

# The stamps carry the interpreter's name, so another PYTHON makes the environment anew.
TAG := $(subst /,_,$(PYTHON))
MADE := $(VENV)/.made-$(TAG)
CORE := $(VENV)/.core-$(TAG)
TEST := $(VENV)/.test-$(TAG)
DEV := $(VENV)/.dev-$(TAG)
EXTRAS := $(VENV)/.extras-$(TAG)
DOCS := $(VENV)/.docs-$(TAG)
MUTANTS := $(VENV)/.mutants-$(TAG)
MADE_LOWEST := $(VENV_LOWEST)/.made-$(TAG)
TEST_LOWEST := $(VENV_LOWEST)/.test-$(TAG)
MADE_BENCHMARK := $(VENV_BENCHMARK)/.made-$(TAG)
BENCHMARK := $(VENV_BENCHMARK)/.torch-$(TAG)
PACKAGING := pyproject.toml setup.cfg
TESTS_OF_EXTRAS := $(wildcard tests/*/*/test_jax_engine.py tests/*/test_dask.py tests/*/*/test_dask.py tests/*/*/test_packaged_corpora.py)
COMMA := ,

# Jobs share one environment: under `make -j` two of them must not install into it at once.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help check test test-full test-lowest test-extras coverage coverage-report benchmark \
	benchmark-transformer mutants figures proofs proofs-check docs lint format dist clean

help: ## list the jobs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12 picks the interpreter; ARGS='--claim T3' goes on to the checks, ARGS='-k head' to pytest."

check: $(CORE) ## check every claim of the theory (python -m proofs_check)
	@$(PY) -m proofs_check $(ARGS)

test: $(TEST) ## run the tests and the documents' examples, but for the slow ones
	@$(PYTEST) $(ARGS)

test-full: $(TEST) ## run all tests, the slow ones too
	@$(PYTEST) -m "" $(ARGS)

test-lowest: $(TEST_LOWEST) ## run the tests with the lowest supported versions (Python 3.11)
	@$(PY_LOWEST) -m pytest -n $(JOBS) $(ARGS)

# The JAX engine is measured here alone: setup.cfg leaves it out of the coverage of a run without JAX.
test-extras: $(EXTRAS) ## install the extras jax, dask and language too, and run the tests that need them
	@$(PYTEST) -m "" --cov=idealized_model --cov-branch --cov-config=/dev/null --cov-report= $(TESTS_OF_EXTRAS) $(ARGS)
	@$(PY) -m coverage report --rcfile=/dev/null --include="*/jax_engine.py" --fail-under=95

coverage: $(TEST) ## run the tests and fail below 95 % of the lines and branches of theory or idealized_model
	@$(PYTEST) --cov --cov-report= $(ARGS)
	@$(MAKE) --no-print-directory coverage-report

coverage-report: $(TEST) ## only the verdict, on what the last run with --cov measured
	@$(PY) -m coverage report --include="theory/*" --fail-under=95
	@$(PY) -m coverage report --include="idealized_model/*" --fail-under=95

benchmark: $(CORE) ## measure the machines against plain routes and limits
	@$(PY) benchmarks/machines.py --decide $(ARGS)

benchmark-transformer: $(BENCHMARK) ## measure the transformer's train step beside PyTorch's, in an environment of its own
	@$(PY_BENCHMARK) benchmarks/transformer.py $(ARGS)

mutants: $(MUTANTS) ## break the code in many small ways and see that a test goes red (about an hour)
	@$(PY) -m tests.mutants $(ARGS)

figures: $(CORE) ## draw every figure from stored data into drawn/ (python -m figures)
	@$(PY) -m figures $(ARGS)

proofs: $(CORE) ## compile the Coq proofs, store what is proved, and audit the code (needs Coq: apt install coq)
	@command -v coqc >/dev/null || { echo "make proofs needs Coq 8.16: apt install coq" >&2; exit 4; }
	@$(MAKE) --no-print-directory -C proofs_check/coq
	@$(PY) -m proofs_check proofs --compile
	@$(PY) -m proofs_check audit --random $(AUDITED) $(ARGS)

proofs-check: ## the independent checker coqchk on the compiled Coq proofs
	@command -v coqchk >/dev/null || { echo "make proofs-check needs Coq 8.16: apt install coq" >&2; exit 4; }
	@$(MAKE) --no-print-directory -C proofs_check/coq check

docs: $(DOCS) ## build the documents as a site, docs/_build/html/index.html; a warning is an error
	@$(PY) -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html $(ARGS)

lint: $(DEV) ## ruff check, ruff format --check and mypy --strict
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy --strict

format: $(DEV) ## let ruff mend what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

dist: $(DEV) ## build the wheel and the source archive into dist/
	@rm -rf build dist
	@$(PY) -m build

clean: ## remove the environments and everything that was built
	rm -rf $(VENV) $(VENV_LOWEST) $(VENV_BENCHMARK) build dist drawn docs/_build *.egg-info .coverage .coverage.* htmlcov
	rm -rf .hypothesis .mutants .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call make_venv,FOLDER,CONDITION ON sys.version_info,WHAT IS NEEDED)
define make_venv
@"$(PYTHON)" -c 'import sys; sys.exit(not ($(2)))' >/dev/null 2>&1 || { \
	echo "lengthgen needs $(3), but '$(PYTHON) -V' says: $$("$(PYTHON)" -V 2>&1 | head -n 1)" >&2; \
	echo "Name another interpreter, for example: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; \
	exit 1; }
@echo "Making $(1) (the first time only: it takes about a minute)"
@"$(PYTHON)" -m venv --clear $(1)
@touch $@
endef

$(MADE):
	$(call make_venv,$(VENV),sys.version_info >= (3$(COMMA) 11),Python 3.11 or newer)

$(CORE): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e .
	@touch $@

$(TEST): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e ".[test]"
	@touch $(CORE) $@

$(DEV): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e ".[test,dev]"
	@touch $(CORE) $(TEST) $@

$(EXTRAS): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e ".[test,jax,dask,language]"
	@touch $(CORE) $(TEST) $@

$(MUTANTS): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e ".[test,mutants]"
	@touch $(CORE) $(TEST) $@

$(DOCS): $(MADE) $(PACKAGING) constraints.txt
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e ".[docs]"
	@touch $(CORE) $@

$(MADE_LOWEST):
	$(call make_venv,$(VENV_LOWEST),sys.version_info[:2] == (3$(COMMA) 11),Python 3.11 for the lowest versions)

$(TEST_LOWEST): $(MADE_LOWEST) $(PACKAGING) constraints-lowest.txt
	@$(PY_LOWEST) $(PIP_INSTALL) -c constraints-lowest.txt -e ".[test]"
	@touch $@

$(MADE_BENCHMARK):
	$(call make_venv,$(VENV_BENCHMARK),sys.version_info >= (3$(COMMA) 11),Python 3.11 or newer)

$(BENCHMARK): $(MADE_BENCHMARK) $(PACKAGING) constraints.txt
	@$(PY_BENCHMARK) $(PIP_INSTALL) -c constraints.txt -e . $(TORCH)
	@touch $@
