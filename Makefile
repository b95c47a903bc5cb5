# Each verb is one Python command in .venv, which the first of them creates.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
RUN := .venv/Scripts/python
else
PYTHON ?= python3
RUN := .venv/bin/python
endif
READY := .venv/.installed

.PHONY: help demo test test-full lint manifest benchmark

help: ## List the verbs
	@$(PYTHON) -c "import re; [print(f'{m[1]:12}{m[2]}') for m in re.finditer(r'(?m)^([a-z-]+):.*## (.*)', open('Makefile', encoding='utf-8').read())]"

$(READY): requirements-dev.txt requirements-infra.txt
	@$(PYTHON) tools/setup_env.py

demo: $(READY) ## Generate a finance project and run its whole life, to a prediction over HTTP
	@$(RUN) tools/demo.py

test: $(READY) ## Run the tests, a few minutes of them
	@$(RUN) -m pytest --numprocesses 2

test-full: $(READY) ## Run the tests that take longer, or need PostgreSQL
	@$(RUN) -m pytest -m full --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 15

lint: $(READY) ## Check the style and the formatting of the template's own Python
	@$(RUN) tools/lint.py

manifest: $(READY) ## Write internal/MANIFEST anew, after an edit of internal/ or constraints.txt
	@$(RUN) tools/release.py manifest

benchmark: $(READY) ## Measure, side by side with others
	@$(RUN) -m benchmarks
