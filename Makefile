PYTHON ?= python3
VENV ?= .venv
READY := $(VENV)/.ready
RUN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)/python
FUZZ_SECONDS ?= 3000

.DEFAULT_GOAL := help
.PHONY: help demo test check docs fuzz sanitize wheels

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: $(READY) ## Encode and decode a photograph, print rate and quality
	$(RUN) -m scripts demo

# One thread in each of the processes: more of them would wait for each other.
test: $(READY) ## Run the tests
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto --dist worksteal

check: $(READY) ## Lint, check types, and compare the version with the changelog
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	@version=$$($(RUN) -c "import codec; print(codec.__version__)"); \
	grep -qF "## [$$version]" CHANGELOG.md || { echo "CHANGELOG.md lacks $$version"; exit 1; }

sanitize: $(READY) ## Decode vectors and mutated files with a kernel that watches itself
	$(RUN) -m scripts conform.sanitize --inputs 2000 --out build/sanitize.tsv

docs: $(READY) ## Build the documentation site into build/site; a warning is an error
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	$(RUN) -m pip install --quiet ziglang
	$(RUN) hatch_build.py wasm
	$(RUN) -m scripts release.web build/site/web

fuzz: $(READY) ## Feed the decoder hostile inputs for FUZZ_SECONDS
	$(RUN) -m scripts conform.fuzz --inputs 1000000000 --seconds $(FUZZ_SECONDS) \
	    --seed $$(date +%j) --out build/fuzz.tsv

wheels: $(READY) ## Build the sdist and the wheels of all platforms into dist, and check them
	$(RUN) -m pip install --quiet build twine
	$(RUN) -m scripts release.wheels --out dist

# Set up once, and again when the requirements change.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@
