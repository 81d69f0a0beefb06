# Two commands do it all: `make repro` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
JOBS ?= 2
KEEP_GOING := $(if $(findstring k,$(firstword -$(MAKEFLAGS))),--keep-going)
BIN := $(CURDIR)/$(VENV)/bin
# A file is one process's: what its tests share is made once. In the order of the folders, for the longest come early.
# Processes that share the cores need no more than a thread each.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder
ACTIVE = $(shell sed -n 's/^profile: *//p' params.yaml)
export PATH := $(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE # each stage is a process: without bytecode on disk it compiles all that it imports

.DEFAULT_GOAL := help
.PHONY: help repro rehearse cost profile report test test-fast bench lint types format clean lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo
	@echo "  PROFILE=name               demo, small, paper or paper_large: switch first (repro, profile), or rehearse it"
	@echo "  JOBS=2                     at a time: stages, or files of tests (repro, rehearse, report, test)"
	@echo "  SCHEDULER=tcp://host:8786  a Dask cluster to run them on: docs/cluster.md (repro)"
	@echo "  make -k repro              go on with what does not need a failed stage"
	@echo "  SET=\"key=value ...\"        settings on top of the profile (repro, profile, rehearse)"

repro: $(VENV)/installed ## run the experiment and build the report
	@if [ -n "$(PROFILE)$(SET)" ]; then python -m pipelines.profile $(or $(PROFILE),$(ACTIVE)) $(SET); fi
	@if [ -n "$(filter paper%,$(PROFILE))" ]; then python -m pipelines.fetch --plan && python -m pipelines.cost; fi
	@python -m pipelines.repro --jobs $(JOBS) $(if $(SCHEDULER),--scheduler $(SCHEDULER)) $(KEEP_GOING)
	@echo "Report: reports/build/report.pdf, and report.html beside it"

rehearse: $(VENV)/installed ## every stage of a profile, cut down to minutes, in .rehearsal/
	@python -m pipelines.rehearse $(or $(PROFILE),paper) $(SET) --jobs $(JOBS)

cost: $(VENV)/installed ## what the present profile will cost on this machine, and what it downloads
	@python -m pipelines.fetch --plan
	@python -m pipelines.cost

profile: $(VENV)/installed ## switch profile and show what changed
	@python -m pipelines.profile $(or $(PROFILE),$(ACTIVE)) $(SET)

report: $(VENV)/installed ## the report, and no more of the experiment than it still needs
	@python -m pipelines.repro --jobs $(JOBS) report

test: $(VENV)/installed ## the whole test suite
	@$(PYTEST)

test-fast: $(VENV)/installed ## the tests that take seconds
	@$(PYTEST) -m 'not slow'

bench: $(VENV)/installed ## run the benchmarks and fill the README's table of ratios
	@python -m benchmarks.table --data "$${NEGBENCH_DATA:?names the folder that holds senteval/, corpus/ and models/}"

lint: $(VENV)/installed ## ruff
	@ruff check .
	@ruff format --check .

types: $(VENV)/installed ## mypy --strict
	@mypy

format: $(VENV)/installed ## let ruff rewrite the code
	@ruff check --fix .
	@ruff format .

clean: ## remove what the pipeline made; DVC's cache keeps what was finished, and .checkpoints/ goes
	rm -rf data runs results/ablate reports/build .checkpoints .rehearsal
	git clean -fdXq results  # what git ignores: neither metrics nor finished reports

lock: ## take the newest versions that pyproject.toml allows, of torch 2.13.0, into requirements.lock
	$(PYTHON) -m venv --clear .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 --editable '.[cluster,dev,parity]'
	@head -1 requirements.lock > .lock/header
	.lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | cat .lock/header - > requirements.lock.new
	mv requirements.lock.new requirements.lock && rm -rf .lock

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Negbench needs Python 3.11 or later; try make PYTHON=python3.12")'
	@test ! -L $(VENV) || { echo "$(VENV) is a link, and what it leads to would be emptied: remove the link" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --requirement requirements.lock
	@touch $@
