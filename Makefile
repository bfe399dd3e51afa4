# One way to do each thing; README explains. Every target works from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTED := $(VENV)/.tested

# Sources are compiled once, not at every start: half a second each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test check bench format lock

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m admin_views.assets
	@touch $@

$(TESTED): $(INSTALLED) requirements-test.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

run: install
	$(BIN)/python -m app migrate
	$(BIN)/python -m app seed --demo
	$(BIN)/python -m app serve

test: $(TESTED)
	$(BIN)/python -m pytest -n auto

check: $(TESTED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@mkdir -p build && rm -f build/check.db*
	OCOP_DATABASE_URL=sqlite:///build/check.db $(BIN)/alembic upgrade head
	OCOP_DATABASE_URL=sqlite:///build/check.db $(BIN)/alembic check

bench: $(TESTED)
	$(BIN)/python -m tests.bench $(ARGS)

format: $(TESTED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs uv; writes hashes and no address. The build backend is in the lock, so that installing needs no more.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate -p 3.11 \
		--extra build --output-file requirements.lock pyproject.toml
	uv pip compile --universal --generate-hashes --no-header --no-annotate -p 3.11 --extra test \
		--constraint requirements.lock --output-file requirements-test.lock pyproject.toml
