# make demo [HEADLESS=1] | test | test-browsers | test-fast | coverage | check | bench | oracles | docs | build | matrix | clean      Needs python3 >= 3.10 and Node.js >= 20.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# Another active environment must not leak into ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH CONDA_PREFIX

PY := .venv/bin/python
BUNDLE := kx_widget/widget/static/widget.js
SOURCES := package.json package-lock.json js/build.mjs js/tsconfig.json $(shell find js/src -type f 2>/dev/null)
NOTEBOOK := notebooks/quickstart.ipynb
FAST := tests/engine tests/widget tests/test_house.py tests/test_package.py
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-fast coverage test-engine test-units test-runs test-python-fast test-browser test-browsers test-firefox test-webkit test-js test-js-fast check bench oracles docs docs-notebooks gallery build matrix clean setup chromium firefox webkit bundles

setup: .venv/.installed $(BUNDLE)

ifeq ($(HEADLESS),1)
demo: setup chromium
	$(PY) -m tests.browser.demo $(NOTEBOOK) build/demo.png
else
demo: setup
	JUPYTER_PREFER_ENV_PATH=1 JUPYTER_CONFIG_PATH=$(CURDIR)/tests/browser/jupyter \
	  .venv/bin/jupyter-lab $(if $(filter 0,$(shell id -u)),--allow-root) \
	  --ServerApp.root_dir=$(dir $(NOTEBOOK)) --LabApp.default_url=/lab/tree/$(notdir $(NOTEBOOK))
endif

# The tests in a browser wait for most of their time: three at once, the longest first, keep two cores busy to the end.
# Those that compute give way to them.
test: setup chromium bundles
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync test-browser test-engine test-units test-runs test-js

# Playwright's loop swallows the signal by which a test that hangs would be ended.
test-browser: setup chromium bundles
	$(PY) -m pytest --timeout-method=thread tests/browser

# What must hold in Firefox and in WebKit as well: the front end, one tour in JupyterLab, a saved page.
test-browsers: setup firefox webkit
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync test-firefox test-webkit

test-firefox: setup firefox
	$(PY) -m pytest --timeout-method=thread -m every_browser --browser firefox tests/browser

test-webkit: setup webkit
	$(PY) -m pytest --timeout-method=thread -m every_browser --browser webkit tests/browser

RUNS := tests/bulk tests/cli tests/compat tests/samples tests/test_docs.py tests/test_notebooks.py
PYTEST = $(if $(MEASURED),COVERAGE_FILE=.coverage.$@) nice -n 5 $(PY) -m pytest $(if $(MEASURED),--cov --cov-report= --cov-fail-under=0)
test-engine: setup
	$(PYTEST) tests/engine

test-units: setup
	$(PYTEST) --ignore=tests/browser --ignore=tests/engine $(addprefix --ignore=,$(RUNS))

# Notebooks and data sets: fewer tests, each of which takes long. What those in a browser need lets them begin first.
test-runs: setup chromium bundles
	$(PYTEST) $(RUNS)

# All tests in Python but those in a browser, with the lines and branches that they reach, which takes a quarter longer;
# pyproject.toml says how many must be.
coverage: setup chromium bundles
	@rm -f .coverage.*
	@$(MAKE) --no-print-directory --keep-going MEASURED=1 test-engine test-units test-runs
	$(PY) -m coverage combine --quiet && $(PY) -m coverage report --skip-covered

# The inner loop: engine and widget on tiny nets, and the front end's own tests, in two minutes.
test-fast: setup
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync test-python-fast test-js-fast

test-python-fast: setup
	$(PY) -m pytest -n 2 --dist loadscope -m "not slow" $(FAST)

# Measures the branches that are reached; js/vitest.config.mjs says how many must be.
test-js: setup
	npm run --silent coverage

test-js-fast: setup
	npm run --silent test

# The schemas come with the package, and nothing is asked of another machine.
SCHEMA := .venv/bin/check-jsonschema --quiet --builtin-schema vendor.

check: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	npx --no-install pyright --pythonpath $(PY)
	$(PY) -m tools.typed
	npm run --silent check
	$(SCHEMA)github-workflows .github/workflows/*.yml
	$(SCHEMA)github-actions .github/actions/*/action.yml
	$(SCHEMA)github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(SCHEMA)github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA)dependabot .github/dependabot.yml
	$(SCHEMA)citation-file-format --force-filetype yaml CITATION.cff
	.venv/bin/zizmor --offline --quiet --strict-collection .github

# SECTIONS="engine peers" runs only these; without the other libraries their columns say so.
bench: setup build/peers/.installed
	PYTHONPATH=build/peers $(PY) -m tests.benchmarks $(SECTIONS)

# Asks other libraries anew what the tests compare with; their answers are kept in tests/oracles.
oracles: setup build/oracles/.installed build/torch/.installed
	PYTHONPATH=build/oracles $(PY) -m tests.oracles xplique xplique_cells xplique_fem quantus medicai saliency
	build/torch/bin/python -m tests.oracles torchcam torchcam_cams captum captum_gradients captum_deeplift captum_shap \
		shap lime pytorch_grad_cam

# The live pages of the site, in build/gallery, made again where a source is newer.
gallery: setup
	$(PY) -m tools.gallery

# The site, in build/site; SITE=FOLDER puts it elsewhere. Its environment is ours: docstrings and widgets are those of the package.
docs: setup gallery
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict $(if $(SITE),--site-dir $(SITE))

# Runs the notebooks, which takes minutes, and writes docs/tutorials. NAMES="bands evidence" runs these alone.
docs-notebooks: setup
	$(PY) -m tools.site.tutorials $(NAMES)

build: setup
	rm -rf dist
	$(PY) -m hatchling build -d dist

# Of pyenv's Pythons, those that its shims do not offer, too.
matrix: setup
	PATH="$(subst $() ,:,$(wildcard $(HOME)/.pyenv/versions/3.*/bin)):$$PATH" $(PY) -m tox run-parallel

clean:
	rm -rf .tox .venv node_modules build dist kx_widget/widget/static .pytest_cache .ruff_cache .hypothesis .coverage*
	find kx_widget js/hatch_build.py tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

chromium: .venv/.installed
	@$(PY) -m tests.browser.chromium

firefox: .venv/.installed
	@$(PY) -m tests.browser.firefox

webkit: .venv/.installed
	@$(PY) -m tests.browser.webkit

# What the hosts that the tests imitate load from elsewhere.
bundles: .venv/.installed
	@$(PY) -m tests.browser.hosts.bundles

$(BUNDLE): node_modules/.package-lock.json $(SOURCES)
	npm run --silent build

# The file that npm itself writes when an installation is complete.
node_modules/.package-lock.json: package-lock.json
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null && command -v npm >/dev/null || \
	  { echo "kx-widget's front end needs Node.js 20 or newer with npm: install it and run make again." >&2; exit 1; }
	npm ci --no-audit --no-fund
	@touch $@

build/peers/.installed: tests/benchmarks/peers.txt pyproject.toml | setup
	@mkdir -p $(@D)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[bench]' && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(@D) -r $< && \
	  touch $@ || echo "Some of the libraries to compare with could not be installed; the table will say which." >&2

build/oracles/.installed: tests/oracles/packages.txt | setup
	@mkdir -p $(@D)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(@D) -r $< && touch $@

# What needs PyTorch has an environment of its own.
build/torch/.installed: tests/oracles/torch.txt | setup
	[ -x build/torch/bin/python ] || $(PY) -m venv build/torch
	build/torch/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

.venv/.installed: pyproject.toml js/hatch_build.py | $(BUNDLE)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || [ -x $(PY) ] || \
	  { echo "kx-widget needs python3, version 3.10 or newer: install it and run make again." >&2; exit 1; }
	@[ -x $(PY) ] || python3 -m venv .venv || \
	  { rm -rf .venv; echo "python3 cannot make a virtual environment: install its venv module (on Debian: apt-get install python3-venv) and run make again." >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
