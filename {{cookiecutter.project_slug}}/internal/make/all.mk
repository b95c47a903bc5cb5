# The verbs of all models: `python -m seedling model all VERB`, with the names of models/all/Makefile.
HERE := $(lastword $(MAKEFILE_LIST))
include $(dir $(HERE))run.mk
include $(dir $(HERE))names.mk
comma := ,
export MAKE_DEFAULT_MODEL := $(subst $() ,$(comma),$(strip $(call of_this_file,MODEL_DIRS)))

help: ## List the verbs
	@$(PYTHON) $(ROOT)/internal/make/help.py $(HERE)

.PHONY: generate train-all build-predict predict-all stop test-all

generate: $(READY) ## Generate .s2i/environment, predict.py and requirements.txt from the models' own
	@$(RUN) generate-all

train-all: $(READY) ## Train, evaluate and register them, side by side (MODEL= SMOKE=1)
	@$(RUN) train-all

build-predict: $(READY) ## Build the image that serves them (TAG= CONTAINER_NAME=)
	@$(RUN) model all build-predict

predict-all: $(READY) ## Serve them in a container (MODEL_NAME= PORT= DETACH=1 TAG= CONTAINER_NAME=)
	@$(RUN) model all predict

stop: $(READY) ## Stop the container that serves them (TAG= CONTAINER_NAME=)
	@$(RUN) model all stop

test-all: $(READY) ## Send every model's test instances to its endpoint (PORT= URL=)
	@$(RUN) model all test-endpoint
