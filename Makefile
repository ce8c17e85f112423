# Everything is installed into .venv, at the versions of requirements/cpu.txt.

PYTHON ?= python3
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
UV_VERSION := 0.13.9

BIN := .venv/bin
INSTALLED := .venv/installed
LOCK := requirements/cpu.txt
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python --no-deps
TORCH := $(shell sed -n '/^torch==/p' $(LOCK))

# uv does not read pip's variable for folders of wheels, and separates them by commas.
comma := ,
space := $(subst ,, )
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
endif

.DEFAULT_GOAL := help
.PHONY: help install serve test lint ruff format mypy unit integration bench chaos soak lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(INSTALLED) ## start the engine and the gateway (options: make serve ARGS="--port 9000")
	@exec $(BIN)/philharmonic serve $(ARGS)

test: $(INSTALLED) ## run every check: lint, types, unit tests, integration tests with vLLM
	@$(call each,ruff format mypy unit integration)

lint: $(INSTALLED) ## run the checks that take seconds: ruff, formatting, mypy
	@$(call each,ruff format mypy)

bench: $(INSTALLED) ## measure the CPU LoRA kernels, and the gateway against LiteLLM
	$(BIN)/python -m tests.benchmarks.cpu_lora
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.benchmarks.gateway

chaos: $(INSTALLED) ## let everything go wrong under load, in ten minutes (root: fills a disk, too)
	$(BIN)/python -m tests.chaos.run $(ARGS)

soak: $(INSTALLED) ## half the capacity for 20 minutes: memory, descriptors (ARGS="--minutes 60")
	$(BIN)/python -m tests.chaos.soak $(ARGS)

install: $(INSTALLED) ## install everything into .venv without starting anything

lock: $(BIN)/uv ## pin every version again after a change of pyproject.toml (ARGS=--upgrade: newest)
	$(BIN)/uv pip compile pyproject.toml --extra cpu --extra dev $(ARGS) \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --override requirements/overrides.txt --override requirements/overrides-cpu.txt \
	  $(if $(UV_FIND_LINKS),,--torch-backend cpu) \
	  --custom-compile-command "make lock" --no-annotate --quiet --output-file $(LOCK)

clean: ## remove .venv and the caches of the tools (var/ stays)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

ruff: $(INSTALLED)
	@$(BIN)/ruff check .

format: $(INSTALLED)
	@$(BIN)/ruff format --check .

mypy: $(INSTALLED)
	@$(BIN)/mypy

unit: $(INSTALLED)
	@$(BIN)/pytest --numprocesses 2 --dist loadfile tests/unit

integration: $(INSTALLED)
	@$(BIN)/pytest tests/integration

# Runs each target, whether or not one before it failed, and ends with a summary.
define each
failed=0; summary=; \
for check in $(1); do \
  echo "==> $$check"; start=$$(date +%s); verdict=ok; \
  $(MAKE) --no-print-directory $$check || { verdict=FAILED; failed=1; }; \
  summary="$$summary$$(printf '  %-12s %-6s %4d s' $$check $$verdict $$(($$(date +%s) - start)))\n"; \
done; \
printf "\n$$summary"; exit $$failed
endef

$(INSTALLED): $(LOCK) pyproject.toml | $(BIN)/uv
	@echo "==> $(TORCH)"
	@if [ -n "$$UV_FIND_LINKS" ] && $(UV_INSTALL) --no-index "$(TORCH)"; then :; \
	  else $(UV_INSTALL) --default-index $(TORCH_INDEX) "$(TORCH)" || { echo "No $(TORCH): name a \
	mirror (TORCH_INDEX=URL) or a folder of wheels (PIP_FIND_LINKS=FOLDER)." >&2; exit 1; }; fi
	@echo "==> the other $$(grep -c == $(LOCK)) packages of $(LOCK)"
	@$(BIN)/uv pip sync --python $(BIN)/python $(LOCK)
	@echo "==> philharmonic itself"
	@$(UV_INSTALL) --no-build-isolation --editable .
	@touch $@

$(BIN)/uv:
	@[ "$$(uname -sm)" = "Linux x86_64" ] || { echo "The locked environment is for Linux on \
	x86-64 (also in a container or WSL); this is $$(uname -sm)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Philharmonic needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	  "If you have a newer one, name it: PYTHON=python3.12 make $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null || { \
	  echo "vLLM needs the system library libnuma: apt-get install libnuma1" >&2; exit 1; }
	@echo "==> .venv, with $$($(PYTHON) --version)"
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION)
