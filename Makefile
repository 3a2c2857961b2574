.DEFAULT_GOAL := help
SHELL := bash
unexport PYTHONDONTWRITEBYTECODE # what is compiled once need not be compiled by each test and command
PYTHON ?= python3
VENV := .venv
SPARK_VENV := .venv-spark
PIPELINES_VENV := .venv-pipelines
LOCAL_VENV := .venv-local
DOCS_VENV := .venv-docs
CHECKOV_VENV := .venv-checkov
BIN := $(VENV)/bin

INSTALL := requirements/install.sh
EDITABLE := uv pip install --no-config --quiet --no-deps --no-build-isolation --editable .
CHECKS := statemachines/lint/checks
ON_BOTH_CORES := -n 2 --dist loadfile --no-loadscope-reorder # in the order of tests/conftest.py
AGAIN := --last-failed --last-failed-no-failures none --maxfail 1 # alone: what passes now may fail on a busy machine
MERMAID := 11.12.0
ACTIONLINT := 1.7.12
MACHINES_ASL := $(wildcard statemachines/*.asl.json)

LAKE ?= demo/lake
DEMO_OPTIONS := --lake $(LAKE) $(foreach path,$(INPUT),--input $(path)) \
	$(if $(TRAIN_DAYS),--train-days $(TRAIN_DAYS)) $(if $(SCORE_DAYS),--score-days $(SCORE_DAYS)) \
	$(if $(LOG_TIME_ZONE),--log-time-zone $(LOG_TIME_ZONE)) $(if $(TOP),--top $(TOP)) \
	$(if $(PORT),--aws-port $(PORT))

CHECKS_IN_TURN := format lint types imports docs-check statemachines-check pipelines-check images-check

PIPELINE_OPTIONS := $(if $(ROLE_ARN),--role-arn $(ROLE_ARN)) \
	$(if $(TASK_EXECUTION_ROLE_ARN),--task-execution-role-arn $(TASK_EXECUTION_ROLE_ARN)) $(foreach default,$(DEFAULTS),--default $(default))

.PHONY: help
help: # lists the targets that have a comment with two hashes, below headings, with their options in brackets
	@awk -F ':.*## |## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {show($$1, $$2)} /^\$$\(IMAGES\):.*## / {show("images/<name>", $$2)} \
		function show(name, text,    options) { \
			if (match(text, /: [A-Z[]/)) {options = substr(text, RSTART + 2); text = substr(text, 1, RSTART - 1)} \
			printf "  %-22s %s\n", name, text; if (options != "") printf "  %-22s   %s\n", "", options}' $(MAKEFILE_LIST)

##@ Begin

.PHONY: setup
setup: $(VENV)/.installed $(LOCAL_VENV)/.installed ## Create the environments of the project and of the local AWS

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --require-hashes -r <(awk '/^uv==/, !/\\$$/' requirements/dev.txt)
	$(INSTALL) $(VENV) requirements/dev.txt
	PYTHONWARNINGS=ignore $(BIN)/$(EDITABLE) --python $(BIN)/python
	touch $@

$(LOCAL_VENV)/.installed: requirements/local.txt | $(VENV)/.installed
	$(PYTHON) -m venv --without-pip $(LOCAL_VENV)
	$(INSTALL) $(LOCAL_VENV) requirements/local.txt
	touch $@

$(PIPELINES_VENV)/.installed: requirements/pipelines.txt | $(VENV)/.installed
	$(PYTHON) -m venv --without-pip $(PIPELINES_VENV)
	$(INSTALL) $(PIPELINES_VENV) requirements/pipelines.txt
	touch $@

$(SPARK_VENV)/.installed: requirements/spark.txt pyproject.toml | $(VENV)/.installed
	$(PYTHON) -m venv --without-pip $(SPARK_VENV)
	$(INSTALL) $(SPARK_VENV) requirements/spark.txt
	PYTHONWARNINGS=ignore $(BIN)/$(EDITABLE) --python $(SPARK_VENV)/bin/python
	touch $@

$(DOCS_VENV)/.installed: requirements/docs.txt | $(VENV)/.installed
	$(PYTHON) -m venv --without-pip $(DOCS_VENV)
	$(INSTALL) $(DOCS_VENV) requirements/docs.txt
	touch $@

$(CHECKOV_VENV)/.installed: requirements/checkov.txt | $(VENV)/.installed
	$(PYTHON) -m venv --without-pip $(CHECKOV_VENV)
	$(INSTALL) $(CHECKOV_VENV) requirements/checkov.txt
	touch $@

.PHONY: demo
demo: setup ## Turn simulated logs, or INPUT=<folder>, into ranked anomalies: [LAKE=] [TRAIN_DAYS=] [SCORE_DAYS=] [LOG_TIME_ZONE=] [TOP=] [PORT=]
	$(BIN)/ndr-demo $(DEMO_OPTIONS)

.PHONY: demo-c360
demo-c360: setup $(LOCAL_VENV)/.installed ## Run five days of Customer 360 as deployed on the local AWS; a second run changes nothing
	$(BIN)/c360-demo

##@ Test

.PHONY: test
test: ## Run all checks and tests, on both engines; says what it is at
	@.ci/parts $(CHECKS_IN_TURN) test-all test-spark

.PHONY: test-all
test-all: setup chromium $(PIPELINES_VENV)/.installed ## Run all tests on the default engine
	$(BIN)/python -u -m pytest $(ON_BOTH_CORES) --durations 40 || \
		{ [ $$? = 1 ] && echo "== what failed, again and alone; what passes now is to be mended, too" && $(BIN)/python -u -m pytest $(AGAIN); }

.PHONY: test-fast
test-fast: setup ## Run the fast tests, in about two and a half minutes
	$(BIN)/python -m pytest $(ON_BOTH_CORES) -m "not slow and not parity"

.PHONY: test-long
test-long: setup ## Run what .ci/run leaves out, for about two hours, and write docs/long-tests.md: [PARTS="torture docs-long"]
	$(BIN)/python -m tests.long_tests $(PARTS)

.PHONY: long-cases
long-cases: setup $(LOCAL_VENV)/.installed $(PIPELINES_VENV)/.installed ## Run the tests that are marked long: more kills, orders and second opinions
	$(BIN)/python -m pytest $(ON_BOTH_CORES) -m long

.PHONY: protocol
protocol: setup ## Draw 20,000 schedules of manifest builders for each of their guarantees
	NDR_PROTOCOL_EXAMPLES=20000 $(BIN)/python -m pytest tests/jobs/manifest_builder/test_protocol.py

.PHONY: kills
kills: setup $(LOCAL_VENV)/.installed ## Kill deployments, rollbacks and removals at twenty random points of the local AWS, and repeat them: [SEED=]
	NDR_DEPLOY_ROUNDS=5 $(if $(SEED),NDR_DEPLOY_SEED=$(SEED)) $(BIN)/python -m pytest -m long tests/statemachines/deploy/test_killed.py

.PHONY: permissions
permissions: setup $(LOCAL_VENV)/.installed ## Take one permission away from each role on the local AWS, and see what fails: [PERMISSIONS="--seed 7", "--all"]
	$(BIN)/python -m tests.permissions $(PERMISSIONS)

.PHONY: ingestion
ingestion: setup $(LOCAL_VENV)/.installed ## Ingest 2,000 files on the local AWS, each announced three times, with a builder and a run killed
	NDR_INGESTION_FILES=2000 $(BIN)/python -m pytest tests/e2e/test_ingestion_killed.py

.PHONY: writers
writers: setup $(LOCAL_VENV)/.installed $(SPARK_VENV)/.installed java ## Write one table in the local S3 by eight drivers of classic Spark, Sail, and no engine at once
	NDR_TEST_DRIVERS="spark spark spark spark spark spark spark spark sail" $(BIN)/python -m pytest tests/common/lake/test_writers_at_once.py

.PHONY: checkov
checkov: $(CHECKOV_VENV)/.installed ## Look for what is unsafe in the templates of the stacks; statemachines/checkov.yaml says what is meant so, and why
	$(CHECKOV_VENV)/bin/checkov --config-file statemachines/checkov.yaml

.PHONY: torture
torture: setup $(PIPELINES_VENV)/.installed ## Kill, reorder and damage at random for about 90 minutes; goes on where it was ended: [TORTURE="--kills 50"]
	$(BIN)/python -m tests.torture $(TORTURE)

SHORT_LIVED := -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m# JVMs end before more compilation pays

.PHONY: test-spark
test-spark: $(SPARK_VENV)/.installed java ## Run the parity tests on classic Spark
	NDR_TEST_ENGINE=spark NDR_SPARK_CONF="spark.driver.extraJavaOptions=$(SHORT_LIVED)" \
		$(SPARK_VENV)/bin/python -u -m pytest $(ON_BOTH_CORES) --durations 10 -m parity

.PHONY: java
java: # Java 17 or later, for classic Spark; installed if missing, on Debian as root
	@java -version 2>/dev/null || (apt-get update -qq && apt-get install -qq -y openjdk-17-jre-headless) || \
		(echo "error: classic Spark needs Java 17: install it, for example the package openjdk-17-jre-headless" >&2; exit 1)

.PHONY: chromium
chromium: # the browser, for the tests of the page; installed if missing, on Debian as root
	@chromium --version >/dev/null 2>&1 || (apt-get update -qq && apt-get install -qq -y chromium >/dev/null) || \
		(echo "error: the tests of the page need Chromium: install it, for example the package chromium" >&2; exit 1)

.PHONY: check
check: $(CHECKS_IN_TURN) ## Check formatting, lint, types, imports, docs, state machines, pipelines and Dockerfiles

.PHONY: workflow-check
workflow-check: # the workflow of the hosted CI; needs Go
	go run github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT) .github/workflows/ci.yml

include images/images.mk

##@ State machines

.PHONY: statemachines
statemachines: setup ## Generate the definitions and diagrams of the state machines from their sources
	$(BIN)/ndr-statemachines generate

.PHONY: statemachines-check
statemachines-check: ## Check that the state machines are valid, and what their sources generate
statemachines-check: statemachines-sources statemachines-lint statemachines-grammar statemachines-schema \
	statemachines-expressions statemachines-template

.PHONY: statemachines-sources
statemachines-sources: setup
	$(BIN)/ndr-statemachines generate --check >/dev/null

.PHONY: statemachines-lint
statemachines-lint: setup
	$(BIN)/ndr-statemachines lint

.PHONY: statemachines-grammar
statemachines-grammar: setup
	$(BIN)/python -m statemachines.lint.checks.grammar

.PHONY: statemachines-schema
statemachines-schema: $(CHECKS)/node_modules/.installed
	$(CHECKS)/node_modules/.bin/asl-validator $(foreach path,$(MACHINES_ASL),--json-path $(path)) >/dev/null

.PHONY: statemachines-expressions
statemachines-expressions: $(CHECKS)/node_modules/.installed
	node $(CHECKS)/parse.mjs $(MACHINES_ASL)

.PHONY: statemachines-template
statemachines-template: setup
	$(BIN)/cfn-lint statemachines/stacks/*.yaml

$(CHECKS)/node_modules/.installed: $(CHECKS)/package-lock.json | npm
	cd $(CHECKS) && npm ci --silent
	touch $@

.PHONY: npm
npm: # npm, for two checkers; installed if missing, on Debian as root
	@npm --version >/dev/null 2>&1 || (apt-get update -qq && apt-get install -qq -y --no-install-recommends npm) || \
		(echo "error: the checks of the state machines need npm: install it, for example the package npm" >&2; exit 1)

.PHONY: format
format: setup
	$(BIN)/ruff format --check --quiet .

.PHONY: lint
lint: setup
	$(BIN)/ruff check --quiet .

.PHONY: types
types: setup
	$(BIN)/mypy

.PHONY: imports
imports: setup
	$(BIN)/lint-imports

##@ Write code and documentation

.PHONY: stage
stage: setup ## Begin a new stage: NAME=ndr-<words> [BASE=base-training]
	$(BIN)/python -m tools.scaffold $(NAME) $(if $(BASE),--base $(BASE))

.PHONY: docs
docs: docs-check $(DOCS_VENV)/.installed docs/assets/mermaid.min.js ## Build the documentation site in build/site; broken links fail
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict # --quiet would drop the warnings that --strict counts

.PHONY: docs-check
docs-check: setup # are the committed pages of the reference what the code says?
	$(BIN)/python -m docs.generate --check

.PHONY: docs-reference
docs-reference: setup ## Generate the pages of features, commands, settings and tables
	$(BIN)/python -m docs.generate

.PHONY: screenshots
screenshots: setup chromium ## Take the pictures of docs/analyst.md again, from the page and the report that make demo has left
	$(BIN)/python -m docs.screenshots

.PHONY: docs-long
docs-long: setup ## Run the commands in the documentation that take long, and compare what they print
	$(BIN)/python -m pytest -m docs_long tests/docs

docs/assets/mermaid.min.js: docs/mermaid.sha256 | npm # draws diagrams; part of the site, so that readers need no other server
	mkdir -p build/mermaid $(@D)
	npm pack --silent --pack-destination build/mermaid mermaid@$(MERMAID) >/dev/null
	tar -xzf build/mermaid/mermaid-$(MERMAID).tgz -C build/mermaid package/dist/mermaid.min.js
	cd build/mermaid/package/dist && sha256sum --quiet --check $(CURDIR)/docs/mermaid.sha256
	cp build/mermaid/package/dist/mermaid.min.js $@

##@ On AWS

.PHONY: pipelines-definitions
pipelines-definitions: setup $(PIPELINES_VENV)/.installed ## Generate the definitions of the SageMaker pipelines
	$(BIN)/ndr-pipelines generate

.PHONY: pipelines-check
pipelines-check: setup $(PIPELINES_VENV)/.installed ## Check that the committed definitions are what pipelines/ generates
	$(BIN)/ndr-pipelines generate --check

.PHONY: pipelines-upsert
pipelines-upsert: setup ## Create or update the pipelines in SageMaker, with the images last pushed: ROLE_ARN=<arn> [TASK_EXECUTION_ROLE_ARN=<arn>] [DEFAULTS="NAME=VALUE ..."]
	$(BIN)/ndr-pipelines upsert $(PIPELINE_OPTIONS)

.PHONY: pipelines-diff
pipelines-diff: setup ## Compare the pipelines in SageMaker with the committed ones: [ROLE_ARN=] [DEFAULTS=]
	$(BIN)/ndr-pipelines diff $(PIPELINE_OPTIONS)

.PHONY: statemachines-deploy
statemachines-deploy: setup ## Create or update tables, roles, rules and state machines: [PROJECT=<file>] [SET="NAME=VALUE ..."]
	$(BIN)/ndr-statemachines deploy $(foreach path,$(PROJECT),--project $(path)) $(foreach value,$(SET),--set $(value))

.PHONY: deploy
deploy: setup $(PIPELINES_VENV)/.installed ## Deploy all of an environment as statemachines/environments/<env>.yaml describes it: ENV=dev [PARTS="ndr ..."] [CANARY=10%/5m] [SIGNED=<folder>] [ALLOW_REPLACE=1]
	$(BIN)/ndr-statemachines up $(ENV) $(foreach part,$(PARTS),--parts $(part)) $(if $(CANARY),--canary $(CANARY)) \
		$(if $(SIGNED),--signed $(SIGNED)) $(if $(ALLOW_REPLACE),--allow-replace)

.PHONY: sign
sign: setup ## Build the wheel, and sign it, its scripts and the images last pushed: KEY=<private key> OUT=<folder>
	$(BIN)/ndr-statemachines sign --key $(KEY) --out $(OUT)

.PHONY: status
status: setup ## Say what an environment has, and how it does: ENV=dev
	$(BIN)/ndr-statemachines status $(ENV)

.PHONY: rollback
rollback: setup ## Make all parts of an environment what they were in the release before, or one machine: ENV=dev [ROLLBACK=sfn_<name>]
	$(BIN)/ndr-statemachines rollback $(or $(ROLLBACK),--release) --environment $(ENV)

.PHONY: destroy
destroy: setup ## Remove an environment; what holds data is kept, unless DELETE_DATA is the environment's name: ENV=dev [DELETE_DATA=dev]
	$(BIN)/ndr-statemachines destroy $(ENV) $(if $(DELETE_DATA),--delete-data $(DELETE_DATA))

.PHONY: start-project
start-project: statemachines-deploy ## Deploy a project, and take it from the logs in its bucket to scored windows: PROJECT=<file> [SET=]
	$(BIN)/ndr-statemachines start-project $(PROJECT)

.PHONY: statemachines-rollback
statemachines-rollback: setup ## Move state machines back to their previous version: MACHINES="<name> ..."
	$(BIN)/ndr-statemachines rollback $(MACHINES)

##@ Measure, release, tidy up

.PHONY: bench
bench: setup $(SPARK_VENV)/.installed ## Run the benchmarks against DuckDB and classic Spark; results in build/bench
	$(BIN)/python -m bench.all --out build/bench

.PHONY: bench-start
bench-start: setup ## Measure how soon each command answers; results in build/bench
	$(BIN)/python -m bench.startup --out build/bench/startup.json

.PHONY: hooks
hooks: setup ## Run the checks before each commit
	$(BIN)/pre-commit install

.PHONY: release
release: setup ## Make a release of main: VERSION=<x.y.z>
	$(BIN)/python -m tools.release $(VERSION)

.PHONY: lock
lock: setup ## Resolve the dependencies of pyproject.toml into requirements/
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --extra sail --extra dev -o requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --extra spark --extra test -o requirements/spark.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --group local -o requirements/local.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --group docs -o requirements/docs.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --group checkov -o requirements/checkov.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-find-links --no-emit-index-url --extra pipelines -o requirements/pipelines.txt pyproject.toml
	$(MAKE) images-lock

.PHONY: clean
clean: ## Remove the environments, demo/, build/ and docs/assets/
	rm -rf $(VENV) $(SPARK_VENV) $(LOCAL_VENV) $(PIPELINES_VENV) $(DOCS_VENV) $(CHECKOV_VENV) demo build docs/assets
