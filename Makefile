# Two commands do everything: `make start` sets Headway up and shows the plan; `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INTO ?= my-transformers
PLAN ?=

# The laws run with every shape annotation checked (jaxtyping and beartype), but for what a compiler or a bad input has to meet bare.
SHAPES := --jaxtyping-packages=headway.models,headway.blocks.attention,headway.blocks.masks,headway.blocks.rotary,headway.blocks.norms,headway.blocks.cache,beartype.beartype

# torch.compile takes seconds for each: one of every kind here, all of them in test-slow.
COMPILED := (bert or llama or mamba2 or retnet or transformer)

.PHONY: start test test-slow test-machines explore lint format bench speed clean

start: .venv/installed
	@$(BIN)/headway fetch smollm2-135m
	@$(BIN)/headway start $(PLAN) --into $(INTO) --quiet
	@$(BIN)/headway tour --workspace $(INTO)
	@$(BIN)/headway start --into $(INTO)

test: .venv/tested lint
	$(BIN)/headway fetch smollm2-135m
	$(BIN)/python -m pytest -n 2 -m "not slow" -q --ignore=tests/laws
	$(BIN)/python -m pytest -n 2 -m "not slow" -q tests/laws $(SHAPES) -k "not compiled and not refused and not one_line"
	$(BIN)/python -m pytest -n 2 -m "not slow" -q tests/laws -k "refused or one_line or compiled and $(COMPILED)"

test-slow: .venv/tested
	$(BIN)/python -m pytest -n 2 -q tests/laws -k compiled
	$(BIN)/python -m pytest -m slow -q

# Unit tests, course and laws under other instruction sets, without kernels, on a busy machine ...: about five minutes each, an
# hour in all. `make test-machines ON="plain busy"` runs some of them; tests/machines.py says what they are.
test-machines: .venv/tested
	$(BIN)/python tests/machines.py $(ON)

# The laws and the parities on examples nobody has seen, and the judge on seeds of its own.
explore: .venv/tested
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n 2 -q tests/laws tests/parity
	$(BIN)/python -m pytest -q -m slow tests/course

# nanoGPT's laptop run against transformers, on one clock, and what each of our choices buys: tens of minutes.
bench: .venv/tested
	$(BIN)/headway bench nanogpt --json results/nanogpt.json
	$(BIN)/headway bench nanogpt --ablate --steps 100 --json results/nanogpt-ablation.json

# Speed against transformers and mambapy, on a machine with nothing else to do: half an hour.
BENCH = $(BIN)/headway bench
F32 = --dtype float32 --rounds 3
speed: .venv/tested
	-$(BENCH) rows --rounds 7 --json results/speed-rows.json
	-$(BENCH) decode smollm2-135m --against transformers --json results/speed-decode-smollm2.json
	-for length in 512 2048; do for name in mamba-130m mamba2-130m; do \
	  $(BENCH) forward $$name --prompt-tokens $$length --against transformers --memory --products $(F32) \
	    --json results/speed-$$name-forward-$$length.json; done; done
	-$(BENCH) train mamba2-130m --prompt-tokens 512 --against transformers --memory --products $(F32) \
	  --json results/speed-mamba2-130m-train-512.json
	-$(BENCH) train mamba2-130m --layers 6 --prompt-tokens 2048 --against transformers --memory --products $(F32) \
	  --json results/speed-mamba2-130m-train-2048.json
	-$(BENCH) train mamba-130m --layers 1 --prompt-tokens 512 --against transformers --dtype float32 --rounds 1 \
	  --json results/speed-mamba-130m-train-512.json
	-for kind in forward train; do for length in 512 2048; do \
	  $(BENCH) $$kind mamba-130m --no-head --layers 6 --prompt-tokens $$length --against mambapy --memory $(F32) \
	    --json results/speed-mamba-130m-$$kind-$$length-mambapy.json; done; done
	-for name in mamba-130m mamba2-130m; do $(BENCH) decode $$name --layers 12 --against transformers $(F32) \
	  --json results/speed-$$name-decode.json; done
	-for length in 512 1024 2048; do $(BENCH) forward retnet --layers 4 --prompt-tokens $$length --against parallel $(F32) \
	  --json results/speed-retnet-forward-$$length.json; done

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyrefly check --summary=none
	$(BIN)/lint-imports --no-cache

format: .venv/tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Headway needs Python 3.11 or newer: make start PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

.venv/tested: .venv/installed
	$(PIP) install -q -c constraints.txt -e ".[test]"
	$(PIP) install -q --no-deps torchscale==0.3.0  # RetNet's reference; what it depends on is old and not needed for that
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
