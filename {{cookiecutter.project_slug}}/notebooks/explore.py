"""A first look at the data: run it cell by cell in an editor, or as a script."""

# %% The dataset, as create-local-datasets wrote it
from {{cookiecutter.project_slug}} import datasets
from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.validation import validate

project = Project.find()
dataset = project.config.datasets[0]
rows = datasets.load(project, dataset)
print(rows.head())

# %% Each column: its type, its gaps, its values
print(rows.describe(include="all").T)
print(rows.isna().mean().sort_values(ascending=False).head(10))

# %% What is predicted
print(rows[dataset.target.name].describe())

# %% What is not as model.yaml describes it
for problem in validate(rows, dataset):
    print(problem)
