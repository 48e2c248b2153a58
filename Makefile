PYTHON ?= python3
VENV ?= .venv
READY := $(VENV)/.ready
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test check sanitize

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: $(READY) ## Encode and decode a photograph, print rate and quality
	$(RUN) -m scripts demo

test: $(READY) ## Run the tests
	$(RUN) -m pytest

check: $(READY) ## Lint, check types, and compare the version with the changelog
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	@version=$$($(RUN) -c "import codec; print(codec.__version__)"); \
	grep -qF "## [$$version]" CHANGELOG.md || { echo "CHANGELOG.md lacks $$version"; exit 1; }

sanitize: $(READY) ## Decode vectors and mutated files with a kernel that watches itself
	$(RUN) -m scripts conform.sanitize --inputs 2000 --out build/sanitize.tsv

# Set up once, and again when the requirements change.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@
