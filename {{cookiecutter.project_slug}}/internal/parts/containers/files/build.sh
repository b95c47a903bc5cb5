#!/bin/sh
# Builds one image from a model's folder. `.dockerignore` names what goes into it.
if [ $# -ne 3 ]; then
    echo "usage: ./build.sh IMAGE models/NAME train|predict" >&2
    exit 2
fi
cd "$(dirname "$0")" || exit
exec .venv/bin/python -m seedling model "$(basename "$2")" "build-$3" --tag "$1"
