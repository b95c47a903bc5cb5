# The verbs of all models; models/all/Makefile names them. Each is one command, the same without make.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
RUN := ../../.venv/Scripts/python -m seedling
else
PYTHON ?= python3
RUN := ../../.venv/bin/python -m seedling
endif
READY := ../../.venv/.installed
HERE := $(lastword $(MAKEFILE_LIST))

.PHONY: help generate train-all build-predict predict-all stop test-all
.DEFAULT_GOAL := help

help: ## List the verbs
	@$(PYTHON) -c "import re; [print(f'{m[1]:16}{m[2]}') for m in re.finditer(r'(?m)^([a-z-]+):.*## (.*)', open('$(HERE)', encoding='utf-8').read())]"

$(READY): ../../pyproject.toml ../../internal/pyproject.toml ../../constraints.txt
	@$(PYTHON) ../../internal/seedling/init.py

generate: $(READY) ## Generate .s2i/environment, predict.py and requirements.txt from the models' own
	@$(RUN) generate-all

train-all: $(READY) ## Train them side by side, and list them best first
	@$(RUN) train $(foreach model,$(MODEL_DIRS),--model $(model))

build-predict: $(READY) ## Build the image that serves them
	@$(RUN) model all build-predict --tag "$(CONTAINER_NAME)-predict"

predict-all: $(READY) ## Serve them in a container (MODEL_NAME=: what is registered; PORT=5111, DETACH=1)
	@$(RUN) model all predict --tag "$(CONTAINER_NAME)-predict" --model-name "$(MODEL_NAME)" $(if $(PORT),--port "$(PORT)") $(if $(DETACH),--detach)

stop: $(READY) ## Stop the container that serves them
	@$(RUN) model all stop --tag "$(CONTAINER_NAME)-predict"

test-all: $(READY) ## Send every model's test instances to its endpoint (PORT=5111, URL=: elsewhere)
	@$(RUN) model all test-endpoint $(if $(PORT),--port "$(PORT)") $(if $(URL),--url "$(URL)")
