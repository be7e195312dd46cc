# make demo      render, check and deliver an issue to the example subscribers, into outbox/
# make test      install what is missing; run the linters and the tests (the longest proofs are sampled)
# make test-all  the same with every case and new random seeds, which it prints (NEWS_SEED=… repeats them)
# make lint      run only ruff, mypy, import-linter, and for the workflows actionlint and zizmor
# make golden    write the expected renderings again; review them as a diff
# make picture   take the pictures of the documentation again
# make bench     measure speed and memory, also of other tools, which it installs into build/peers
# make package   build the wheel and try it in an otherwise empty folder
# make requirements   write .github/requirements*.txt again: what the workflows install, with hashes
# make clean     delete what these made; the state of a newsletter (news state path) stays

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt
# Each worker takes one file after the other, the longest first (tests/conftest.py). There are two more than there are
# cores, because many tests wait for a browser or a server.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# The tests start hundreds of processes, which without bytecode would compile the program again each time.
unexport PYTHONDONTWRITEBYTECODE
ISSUE ?= 2026-04-27
# The demo has a database of its own, and its mail cannot leave this machine, whatever newsletter.yml says.
DEMO := NEWS_DATABASE_URL=sqlite:///build/demo.db $(BIN)/news

.PHONY: help demo test test-all lint golden picture bench package requirements clean

help:
	@sed -n 's/^# //p' Makefile | head -10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("news needs Python 3.11 or newer; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/packages venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) -e '.[preview]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml .ci/constraints.txt | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/installed

demo: $(VENV)/installed
	@rm -f build/demo.db* outbox/new/$(ISSUE).*.eml
	$(BIN)/news render $(ISSUE) -o build/
	$(BIN)/news check $(ISSUE)
	$(DEMO) subscribers import subscribers.example.csv
	$(DEMO) send --issue $(ISSUE) --provider outbox --yes
	@echo
	@echo 'Now open'
	@echo '  build/$(ISSUE).html    in a browser: the issue'
	@echo '  outbox/new/*.eml         in a mail program: what each subscriber would get'
	@echo 'or see all of it in one place, live as you write (its Outbox shows these messages):'
	@echo '  $(BIN)/news preview'

test: lint
	@.ci/packages
	$(PYTEST)

test-all: lint
	@.ci/packages
	@seed=$${NEWS_SEED:-$$($(BIN)/python -c 'import random; print(random.randrange(1, 1000000))')}; \
	NEWS_SEED=$$seed $(PYTEST) --every-case --hypothesis-seed=$$seed; status=$$?; \
	echo "These were the seeds of: make test-all NEWS_SEED=$$seed"; exit $$status

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(BIN)/lint-imports
	$(BIN)/actionlint -shellcheck= -pyflakes=
	$(BIN)/zizmor --offline --no-progress --quiet .github

golden: $(VENV)/installed-dev
	$(BIN)/python -m tests.golden

picture: $(VENV)/installed-dev
	$(BIN)/python docs/picture.py
	$(BIN)/python docs/preview_picture.py
	$(BIN)/python docs/review_picture.py
	$(BIN)/python -m docs.blocks_picture
	$(BIN)/python docs/themes_picture.py

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/render.py
	$(BIN)/python benchmarks/sending.py
	$(BIN)/python benchmarks/state.py
	$(BIN)/python benchmarks/imports.py
	$(BIN)/python benchmarks/webhooks.py
	$(BIN)/python benchmarks/public.py
	$(BIN)/python benchmarks/archive.py --cards

package: $(VENV)/installed-dev
	rm -rf dist build/package
	$(BIN)/python -m build --quiet --no-isolation
	$(PYTHON) -m venv build/package/venv
	build/package/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		-r .github/requirements.txt
	build/package/venv/bin/pip install --quiet --disable-pip-version-check --no-index --no-deps dist/*.whl
	mkdir -p build/package/letter/issues
	cp newsletter.yml build/package/letter/
	cp issues/$(ISSUE).yml build/package/letter/issues/
	build/package/venv/bin/news -C build/package/new init --sender-email ada@example.com --postal-address "1 Example Road" \
		--unsubscribe 'https://example.com/leave/{token}' </dev/null
	build/package/venv/bin/news -C build/package/new check --strict
	cd build/package/letter && ../venv/bin/news render -o out && cmp out/$(ISSUE).html "$(CURDIR)/tests/golden/$(ISSUE)/mail.html"

# For every system and Python that news supports. Raise a version in .ci/constraints.txt, then make this again.
requirements: $(BIN)/python
	$(PIP) uv
	for name in requirements requirements-review; do \
		[ $$name = requirements ] && extras= || extras='--extra preview'; \
		$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| UV_CUSTOM_COMPILE_COMMAND='make requirements' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --upgrade --constraint .ci/constraints.txt \
		--extra postgres $$extras --output-file .github/$$name.txt pyproject.toml - || exit; \
	done

clean:
	rm -rf $(VENV) build dist outbox .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
