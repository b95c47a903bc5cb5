"""Yours: the files of the project fit each other."""

from click.testing import CliRunner
from ruamel.yaml import YAML

from seedling.testing import models, own_files, pipeline_models, root, verbs


def test_the_pipeline_trains_the_models_of_model_yaml() -> None:
    assert pipeline_models() == models()


def test_every_model_has_its_folder() -> None:
    for model in models():
        assert (root() / "models" / model / "train.py").is_file()
        assert (root() / "models" / model / "predict.py").is_file()


def test_every_yaml_file_is_yaml() -> None:
    for path in own_files("*.yml", "*.yaml"):
        assert YAML(typ="safe", pure=True).load(path), path


def test_every_verb_explains_itself() -> None:
    for name, verb in verbs().items():
        said = CliRunner().invoke(verb, ["--help"])
        assert said.exit_code == 0, name
        assert "Usage:" in said.output, name
