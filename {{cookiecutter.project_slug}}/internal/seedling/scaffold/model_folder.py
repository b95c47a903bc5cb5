"""Writes the files of a model's folder that its images need: names, routes, requirements."""

import re
from string import Template

README = Template("""# $model

$title

| yours | |
|---|---|
| `train.py`, `predict.py` | `train_model` and `predict` |
| `test/test_instances.json` | the rows that its endpoint is tried with |
| `requirements_train.txt`, `requirements_predict.txt` | what its images need besides |
| `setup.sh` | not there unless something else must be installed: it runs before those, as root |
| `Makefile` | `MODEL_NAME`, `DATASET_NAME`, `CONTAINER_NAME` |

| the plumbing | |
|---|---|
| `.s2i/environment`, `entry.py` | the routes and the entry points of its images |

`make help` in this folder lists its verbs. With docker or podman:

```
make build-train train        # in a container, from the table DATASET_NAME
make build-predict predict    # at http://127.0.0.1:5111/$model/predict
make test-endpoint            # in another terminal
```

`make train-local predict-local` does the same without a container. Where there is no `make`, each
verb is one command: `python -m seedling model $model VERB`. `docs/containers.md` says more.
""")

MAKEFILE = Template("""# The names of this model; `make help` lists its verbs.
MODEL := $model
# What is trained is kept under this name in local_assets/models/ and served by it.
MODEL_NAME := $model
# The table that it learns from; data/ is local_assets/datasets/.
DATASET_NAME := data/$table
# Its images are called so, with -train and -predict behind.
CONTAINER_NAME := $container

include ../../internal/make/model.mk
""")

ALL_MAKEFILE = Template("""# The service of several models; `make help` lists its verbs.
$dirs# Names of what train containers have written, commas between; without, what is registered.
MODEL_NAME :=
# Its image is called so, with -predict behind.
CONTAINER_NAME := $container

include ../../internal/make/all.mk
""")

ENVIRONMENT = Template("""# The variables of this model's images, as source to image reads them.
ROUTES=$model/predict:models.$model.entry:predict
SERVED_MODELS=$model
TRAIN_MODULE=models.$model.entry
TRAIN_FUNCTION=train
PREDICT_MODULE=models.$model.entry
PREDICT_FUNCTION=predict
""")

ENTRY = Template('''"""What the images of this model call: .s2i/environment names both."""

from seedling import Predict, Train

train = Train("$model")
predict = Predict("$model")
''')

REQUIREMENTS = Template("# What $purpose it needs beside the group `$group` of pyproject.toml.\n")


def texts(model: str, title: str, table: str, slug: str) -> dict[str, str]:
    """Return the files that follow from a model's name, by their paths in its folder.

    Args:
        model: the folder's name.
        title: what it is, in a sentence.
        table: the file of the dataset that it learns from.
        slug: the project's.
    """
    names = {"model": model, "title": title}
    return {
        ".s2i/environment": ENVIRONMENT.substitute(names),
        "entry.py": ENTRY.substitute(names),
        "Makefile": makefile(model, table, slug),
        "README.md": README.substitute(names),
    }


def makefile(model: str, table: str, slug: str) -> str:
    """Return the text of a model's Makefile; see `texts`."""
    return MAKEFILE.substitute(model=model, table=table, container=image_name(slug, model))


def requirements(train: list[str], predict: list[str]) -> dict[str, str]:
    """Return the requirements files of a model's images, by their names."""
    found = {}
    for name, purpose, group, lines in (
        ("requirements_train.txt", "training", "train", train),
        ("requirements_predict.txt", "serving", "serve", predict),
    ):
        head = REQUIREMENTS.substitute(purpose=purpose, group=group)
        found[name] = head + "".join(f"{line}\n" for line in lines)
    return found


def all_texts(models: list[str], slug: str) -> dict[str, str]:
    """Return the files of models/all/ that are not generated anew, by their names."""
    dirs = "".join(f"MODEL_DIRS += {model}\n" for model in models)
    return {
        "__init__.py": '"""All models in one service."""\n',
        "Makefile": ALL_MAKEFILE.substitute(dirs=dirs, container=image_name(slug, "all")),
    }


def image_name(slug: str, *words: str) -> str:
    """Return a name for images of a project, of letters that every engine takes."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join([slug, *words]).lower()).strip("-")
