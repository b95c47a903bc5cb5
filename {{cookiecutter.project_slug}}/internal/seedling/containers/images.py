"""Build images with docker or podman: of the service, and of models from their source."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from seedling import team_code
from seedling.compiled import forms
from seedling.config import Project, RegisteredModel, registrations
from seedling.config.env_files import may_hold_secrets
from seedling.containers import s2i, sbom
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.registry import signatures
from seedling.requirements import of_group, required
from seedling.scaffold import all_models, model_dirs, model_requirements, parts
from seedling.scaffold.model_folder import image_name
from seedling.scaffold.part_files import HOME
from seedling.serving import assets
from seedling.settings import ASSETS, CONTAINER_ENGINE, CONTAINER_NETWORK, LOCAL_ASSETS

MODELS = "local_assets/models"
ENGINES = ("docker", "podman")
GROUPS = {"train": "train", "predict": "serve"}  # the dependency group of each kind of image
BUILDER = Path("s2i")
SETUP = "setup"  # the folder of the scripts that the builder runs as root
PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
NAME = re.compile(rf"(?:[\w.-]+(?::\d+)?/)?{PART}(?:/{PART})*(?::\w[\w.-]{{0,127}})?", re.ASCII)

# An image with versions that no shared registry has. Each is verified by its hash, as anywhere.
CARRIED = f"ENV {ASSETS.name}={LOCAL_ASSETS}\n"
SAME_AS_S2I = """FROM {builder}
{variables}COPY --chown=1001:0 source /tmp/src
RUN /usr/libexec/s2i/assemble
CMD ["/usr/libexec/s2i/run"]
"""
# A folder that is mounted belongs to whoever runs the engine: run gives up root for its owner.
STARTED_AS_ROOT = """FROM {image}
USER 0
"""


def build(project: Project, tag: str | None = None, made_up: bool = False) -> None:
    """Build the image of the service, with the registered versions of the models only.

    Args:
        project: the project of the service.
        tag: the name of the image; the project's slug unless given.
        made_up: build one without models, which answers in the real shape for app developers.

    Raises:
        ProjectError: no engine is installed, no model is registered, or the build failed.
    """
    models = [] if made_up else project.config.models
    if not models and not made_up:
        raise ProjectError("No model is registered yet: run train first.")
    refuse_name(tag or project.config.slug)
    engine()
    extras = f"EXTRAS={'serve' if made_up else ' '.join(groups(project))}"
    with TemporaryDirectory() as folder:
        stage(project, Path(folder), made_up)
        copy(project.root, ["Dockerfile"], Path(folder))
        if models and serves_what_it_carries(project):
            with (Path(folder) / "Dockerfile").open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"\n{CARRIED}")
            print("Its models are inside of it: it serves them in production too (ASSETS=local).")
        _build(Path(folder), tag or project.config.slug, "--build-arg", extras)
    _report(tag or project.config.slug)
    _list_parts(project, tag or project.config.slug, models)


def build_from_source(project: Project, name: str, kind: str, tag: str) -> None:
    """Build the image that trains or serves a model, from its folder.

    With docker, the program s2i builds it if it is installed; otherwise an ordinary build yields
    the same image.

    Args:
        project: the project of the folder.
        name: the name of the folder below models/; `all` serves several models.
        kind: `train` or `predict`.
        tag: the name of the image.

    Raises:
        ProjectError: no engine is installed, a file of the folder is missing, or the build failed.
    """
    refuse_name(tag)
    if name == model_dirs.ALL:
        all_models.refuse_stale(project.root)
    program = shutil.which("s2i") if Path(engine()).stem == "docker" else None
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        stage_source(project, name, kind, folder / "source")
        stage_builder(project, name, kind, folder / "builder")
        builder = f"{image_name(project.config.slug, 'builder')}-{kind}"
        if any((folder / "builder" / SETUP).iterdir()):
            builder = f"{tag}-builder"
        _build(folder / "builder", builder)
        if program:
            _run([program, "build", "--copy", str(folder / "source"), builder, tag, *network()])
        else:
            variables = s2i.environment(folder / "source")
            text = SAME_AS_S2I.format(builder=builder, variables=_as_env(variables))
            write_text(folder / "Dockerfile", text)
            _build(folder, tag)
        if kind == "train":
            text = STARTED_AS_ROOT.format(image=tag)
            write_text(folder / "started" / "Dockerfile", text)
            _build(folder / "started", tag)
    _report(tag)
    _list_parts(project, tag, [])  # its models are mounted


def refuse_name(tag: str) -> None:
    """Raise ProjectError if no engine accepts this name of an image."""
    if not NAME.fullmatch(tag):
        raise ProjectError(
            f"{tag!r:.80} cannot be the name of an image: use a-z, 0-9 and ._- between them, "
            "with / and :tag where there is a registry and a tag."
        )


def refuse_unregistered(project: Project, name: str) -> None:
    """Raise ProjectError if no version of the folder's models is registered."""
    models = members(project, name)
    if not any(registered.model in models for registered in project.config.models):
        raise ProjectError(
            f"No version of {', '.join(models)} is registered: run train and build "
            "the image again, or name a model that a container has trained: MODEL_NAME."
        )


def engine() -> str:
    """Return the program CONTAINER_ENGINE, else docker or podman, whichever is installed.

    Raises:
        ProjectError: none is installed.
    """
    names = [CONTAINER_ENGINE.get()] if CONTAINER_ENGINE.is_set() else ENGINES
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise ProjectError(f"There is no {' or '.join(names)} here to build and run images with.")


def groups(project: Project) -> list[str]:
    """Return the dependency groups of the service: `serve`, and those of what it connects to."""
    config = project.config
    log = config.serving.prediction_log
    needed = {
        "plain": _needs_plain(project, config.models),
        "azure": config.feature_store.server or (log != "off" and log.endpoint),
        "registry": config.registry,
        signatures.GROUP: config.serving.require_signature,
    }
    return ["serve", *(name for name, is_needed in needed.items() if is_needed)]


def serves_what_it_carries(project: Project) -> bool:
    """Return True if the image of the service has versions that no shared registry can give it."""
    return project.config.registry is None or bool(project.registered_here)


def stage(project: Project, folder: Path, made_up: bool = False) -> None:
    """Copy the files that .dockerignore allows, and the registered versions of the models.

    Args:
        project: the project of the service.
        folder: a new one, for the files.
        made_up: leave the models out.
    """
    if made_up:
        copy(project.root, _allowed_paths(project), folder)
        return
    assets.refuse_missing(project, project.config.models)
    key = [project.config.serving.public_key] if project.config.serving.require_signature else []
    copy(project.root, [*_allowed_paths(project), *key], folder)
    for registered in project.config.models:
        source = project.model_path(registered)
        shutil.copytree(source, folder / MODELS / registered.name / registered.version)
    if project.registered_here:
        registrations.write(folder / MODELS / registrations.FILE_NAME, project.registered_here)


def stage_source(project: Project, name: str, kind: str, folder: Path) -> None:
    """Copy the source of a model's image: its folder and what all share, without trained models."""
    home = Path("models") / name
    kept = [path for path in _allowed_paths(project) if path != "models"]
    others = [f"models/{model}" for model in members(project, name) if model != name]
    copy(project.root, [*kept, "models/__init__.py", home.as_posix(), *others], folder)
    if name == model_dirs.ALL:  # those of the project, unless MODEL_DIRS names others for once
        for path, text in all_models.generated(project.root).items():
            write_text(folder / path.relative_to(project.root), text)
    shutil.copytree(folder / home / s2i.FILE.parent, folder / s2i.FILE.parent)
    variables = s2i.environment(folder / home)  # a line each, since s2i reads no further than that
    write_text(folder / s2i.FILE, "".join(f"{name}={value}\n" for name, value in variables.items()))
    file = "requirements.txt" if name == model_dirs.ALL else f"requirements_{kind}.txt"
    lines = model_requirements.read(folder / home / file)
    registered = [each for each in project.config.models if each.model in members(project, name)]
    if kind == "predict" and _needs_plain(project, registered):
        lines = [*lines, *of_group(project.root, "plain")]
    _write_lines(folder / "requirements.txt", lines)


def stage_builder(project: Project, name: str, kind: str, folder: Path) -> None:
    """Copy the source of the builder: shared requirements, and the setup.sh of these models."""
    copy(project.root / BUILDER, ["Dockerfile", "bin"], folder)
    copy(project.root, ["constraints.txt"], folder)
    models = project.root / "models"
    names = [model.name for model in project.config.training.models]
    files = [models / model / f"requirements_{kind}.txt" for model in names]
    own = {line for path in files for line in model_requirements.read(path)}
    shared = required(project.root, [GROUPS[kind]])
    _write_lines(folder / "requirements_shared.txt", [line for line in shared if line not in own])
    (folder / SETUP).mkdir()
    for model in members(project, name):
        script = models / model / "setup.sh"
        if script.is_file():
            text = script.read_text(encoding="utf-8")
            (folder / SETUP / f"{model}.sh").write_text(text, encoding="utf-8", newline="\n")


def members(project: Project, name: str) -> list[str]:
    """Return the models of a folder's images: its own, or those of MODEL_DIRS for `all`."""
    if name == model_dirs.ALL:
        return model_dirs.models(project.root)
    return [project.config.trained_model(name).name]


def _needs_plain(project: Project, registered: Sequence[RegisteredModel]) -> bool:
    """Return whether one of these versions answers by scikit-learn, without a compiled form."""
    return not all(
        model_requirements.serve_alone(project.root, each.model) or _is_compiled(project, each)
        for each in registered
    )


def _is_compiled(project: Project, registered: RegisteredModel) -> bool:
    try:
        forms.load(project.model_path(registered), project.predict_path(registered.model))
    except ProjectError:
        return False
    return True


def _allowed_paths(project: Project) -> list[str]:
    """Return the paths that .dockerignore allows, without those of trained models.

    Without the part containers the project has no such file; then the part's own one counts.
    """
    path = project.root / ".dockerignore"
    if not path.is_file():
        path = HOME / parts.CONTAINERS / "files" / path.name
    lines = path.read_text(encoding="utf-8").splitlines()
    named = [line[1:] for line in lines if line.startswith("!") and line[1:] != MODELS]
    away = {*team_code.OPTIONAL} - {*team_code.brought(project.root)}
    return [name for name in named if name not in away]


def copy(root: Path, names: Sequence[str], folder: Path) -> None:
    """Copy these files and folders below `root` to the same places below `folder`.

    Files for credentials, such as `.env`, and notebooks, whose outputs may have shown one, are left
    out, wherever they stand.

    Raises:
        ProjectError: a file or folder is missing.
    """
    for name in names:
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_left_out, ignore_dangling_symlinks=True)
        elif source.is_file():
            shutil.copy(source, target)
        else:
            raise ProjectError(f"{name} is missing: it is a part of the image.")


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Return the names in a folder that no copy has, as shutil.copytree asks for them."""
    found = {name for name in names if name == "__pycache__" or name.endswith(".ipynb")}
    return found | {name for name in names if may_hold_secrets(name)}


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _as_env(variables: dict[str, str]) -> str:
    """Return the instructions of a Dockerfile that set these variables, unexpanded."""
    escaped = {name: re.sub(r'([\\"$])', r"\\\1", value) for name, value in variables.items()}
    return "".join(f'ENV {name}="{value}"\n' for name, value in escaped.items())


def _build(folder: Path, tag: str, *options: str) -> None:
    _run([engine(), "build", "--tag", tag, *options, *network(), str(folder)])


def _report(tag: str) -> None:
    """Print the name of an image and its size, base included."""
    command = [engine(), "image", "inspect", "--format", "{{.Size}}", tag]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    size = f", {int(found) / 2**20:,.0f} MiB with its base" if found.isdigit() else ""
    print(f"Built {tag}{size}.")


def _list_parts(project: Project, tag: str, models: Sequence[RegisteredModel]) -> None:
    """Write the list of an image's parts beside it, and print where it is."""
    path = sbom.write(project, [engine()], tag, models)
    if path:
        print(f"Its parts: {path.relative_to(project.root).as_posix()}")


def network() -> list[str]:
    """Return the engine's option for CONTAINER_NETWORK; none if it is not set."""
    network = CONTAINER_NETWORK.get()
    return ["--network", network] if network else []


def _run(command: Sequence[str]) -> None:
    if subprocess.call(command):
        raise ProjectError("The image was not built; the lines above say why.")
