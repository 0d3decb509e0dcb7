# What a checkout can do. `make` alone lists it. Needs python3 >= 3.11 and nothing else.
.POSIX:
.SUFFIXES:

PYTHON =
HEADLESS =
VENV = .venv
RUN = $(VENV)/bin/python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.with-demo ## a model answers in a notebook: opens JupyterLab (HEADLESS=1: writes quickstart.html)
	@$(RUN) -m scripts.demo $(HEADLESS:1=--headless)

test: $(VENV)/.with-everything ## all checks and tests, in Python, in a browser and of the front end
	@$(RUN) -m scripts.check everything

lint: $(VENV)/.with-everything ## ruff and mypy
	@$(RUN) -m scripts.check lint

bench: $(VENV)/.with-everything ## the measurements in benchmarks/
	@$(RUN) -m benchmarks

notebooks: $(VENV)/.with-everything ## execute notebooks/ again and save them with their outputs
	@$(RUN) -m scripts.execute_notebooks

docs-pictures: $(VENV)/.with-everything ## take the pictures in docs/pictures from a real JupyterLab
	@$(RUN) -m scripts.take_pictures

clean: ## remove what these commands made; downloaded model weights stay
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results quickstart.html
	rm -rf labextension/node_modules labextension/lib llm_notebook/labextension llm_notebook/static

$(VENV)/.with-demo: pyproject.toml scripts/venv.sh
	@PYTHON="$(PYTHON)" sh scripts/venv.sh $(VENV) local,lab
	@touch $@

$(VENV)/.with-everything: pyproject.toml scripts/venv.sh
	@PYTHON="$(PYTHON)" sh scripts/venv.sh $(VENV) local,lab,data,image,dev
	@touch $(VENV)/.with-demo $@

.PHONY: help demo test lint bench notebooks docs-pictures clean
