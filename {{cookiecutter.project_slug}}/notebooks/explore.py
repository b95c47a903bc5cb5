"""A first look at the data: run it cell by cell in an editor, or as a script."""

# %% The dataset, as create-local-datasets wrote it
from seedling import Project, load_dataset, validate_dataset

project = Project.find()
dataset = project.config.datasets[0]
rows = load_dataset(project, dataset)
print(rows.head())

# %% Each column: its type, its gaps, its values
print(rows.describe(include="all").T)
print(rows.isna().mean().sort_values(ascending=False).head(10))

# %% What is predicted
print(rows[dataset.target.name].describe())

# %% What is not as model.yaml describes it
for problem in validate_dataset(rows, dataset):
    print(problem)
