# The verbs of one model: `python -m seedling model NAME VERB`, with the names of its Makefile.
HERE := $(lastword $(MAKEFILE_LIST))
include $(dir $(HERE))run.mk
include $(dir $(HERE))names.mk
VERB := $(RUN) model $(call of_this_file,MODEL)

help: ## List the verbs
	@$(PYTHON) $(ROOT)/internal/make/help.py $(HERE)

.PHONY: build-train train build-predict predict stop test-endpoint train-local predict-local

build-train: $(READY) ## Build the image that trains it (TAG= CONTAINER_NAME=)
	@$(VERB) build-train

train: $(READY) ## Train it in a container (MODEL_NAME= DATASET_NAME= TAG= CONTAINER_NAME=)
	@$(VERB) train

build-predict: $(READY) ## Build the image that serves it (TAG= CONTAINER_NAME=)
	@$(VERB) build-predict

predict: $(READY) ## Serve it in a container (MODEL_NAME= PORT= DETACH=1 TAG= CONTAINER_NAME=)
	@$(VERB) predict

stop: $(READY) ## Stop the container that serves it (TAG= CONTAINER_NAME=)
	@$(VERB) stop

test-endpoint: $(READY) ## Send its test instances to its endpoint (PORT= URL=)
	@$(VERB) test-endpoint

train-local: $(READY) ## Train it here, by the same entry point (MODEL_NAME= DATASET_NAME=)
	@$(VERB) train-local

predict-local: $(READY) ## Serve it here, with the routes of its image (MODEL_NAME= PORT=)
	@$(VERB) predict-local
