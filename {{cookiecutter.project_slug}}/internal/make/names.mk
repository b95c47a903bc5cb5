# What a model's Makefile says stands for options that make's command line does not name.
of_this_file = $(if $(findstring command,$(origin $(1))),,$($(1)))
export MAKE_DEFAULT_CONTAINER_NAME := $(call of_this_file,CONTAINER_NAME)
export MAKE_DEFAULT_DATASET_NAME := $(call of_this_file,DATASET_NAME)
export MAKE_DEFAULT_MODEL_NAME := $(call of_this_file,MODEL_NAME)
