# How a recipe runs its verb, in the project's folder or in one of models/.
ROOT := $(dir $(lastword $(MAKEFILE_LIST)))../..
ifeq ($(OS),Windows_NT)
PYTHON ?= python
RUN := $(ROOT)/.venv/Scripts/python -m seedling --make
else
PYTHON ?= python3
RUN := $(ROOT)/.venv/bin/python -m seedling --make
endif
INIT := $(PYTHON) $(ROOT)/internal/seedling/init.py
READY := $(ROOT)/.venv/.installed

# seedling/cli/make.py reads NAME=value from MAKEFLAGS, where make puts what its command line says. It
# must not be exported besides: make would evaluate a $(...) in its value.
export MAKECMDGOALS
unexport $(foreach name,$(.VARIABLES),$(if $(findstring command,$(origin $(name))),$(name)))

.PHONY: help
.DEFAULT_GOAL := help

$(READY): $(ROOT)/pyproject.toml $(ROOT)/internal/pyproject.toml $(ROOT)/constraints.txt
	@$(INIT) --make

# What stands nowhere as a verb or a file.
.DEFAULT:
	@$(PYTHON) $(ROOT)/internal/make/missing.py "$@"
