# The verbs of one model; its Makefile gives the names. Each is one command, the same without make.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
RUN := ../../.venv/Scripts/python -m seedling model $(MODEL)
else
PYTHON ?= python3
RUN := ../../.venv/bin/python -m seedling model $(MODEL)
endif
READY := ../../.venv/.installed
HERE := $(lastword $(MAKEFILE_LIST))

.PHONY: help build-train train build-predict predict stop test-endpoint train-local predict-local
.DEFAULT_GOAL := help

help: ## List the verbs
	@$(PYTHON) -c "import re; [print(f'{m[1]:16}{m[2]}') for m in re.finditer(r'(?m)^([a-z-]+):.*## (.*)', open('$(HERE)', encoding='utf-8').read())]"

$(READY): ../../pyproject.toml ../../internal/pyproject.toml ../../constraints.txt
	@$(PYTHON) ../../internal/seedling/init.py

build-train: $(READY) ## Build the image that trains it
	@$(RUN) build-train --tag "$(CONTAINER_NAME)-train"

train: $(READY) ## Train it in a container (DATASET_NAME, MODEL_NAME)
	@$(RUN) train --tag "$(CONTAINER_NAME)-train" --dataset-name "$(DATASET_NAME)" --model-name "$(MODEL_NAME)"

build-predict: $(READY) ## Build the image that serves it
	@$(RUN) build-predict --tag "$(CONTAINER_NAME)-predict"

predict: $(READY) ## Serve it in a container (MODEL_NAME=: what is registered; PORT=5111, DETACH=1)
	@$(RUN) predict --tag "$(CONTAINER_NAME)-predict" --model-name "$(MODEL_NAME)" $(if $(PORT),--port "$(PORT)") $(if $(DETACH),--detach)

stop: $(READY) ## Stop the container that serves it
	@$(RUN) stop --tag "$(CONTAINER_NAME)-predict"

test-endpoint: $(READY) ## Send its test instances to its endpoint (PORT=5111, URL=: elsewhere)
	@$(RUN) test-endpoint $(if $(PORT),--port "$(PORT)") $(if $(URL),--url "$(URL)")

train-local: $(READY) ## Train it here, as the container would
	@$(RUN) train-local --dataset-name "$(DATASET_NAME)" --model-name "$(MODEL_NAME)"

predict-local: $(READY) ## Serve it here, as the container would (PORT=5111)
	@$(RUN) predict-local --model-name "$(MODEL_NAME)" $(if $(PORT),--port "$(PORT)")
