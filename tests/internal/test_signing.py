"""`require_signature`: only what the owner of the key has signed is served."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seedling.config import Project, registrations
from seedling.containers import images
from seedling.errors import ProjectError
from seedling.files import SIGNATURE, SIGNED_AS, sha256, write_json
from seedling.registry import signatures
from seedling.serving.app import create_app
from seedling.testing import invoke


@pytest.fixture
def signed(trained: Project, tmp_path: Path) -> Project:
    """A trained project that serves signed versions only; its version is signed."""
    ignored = shutil.ignore_patterns("spool")
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project", ignore=ignored)))
    project.edit(lambda document: document.update(serving={"require_signature": True}))
    done = invoke(project, "sign-model", "--new-key")
    assert done.exit_code == 0, done.output
    assert "Signed" in done.output
    return Project(project.root)


def readiness(project: Project) -> tuple[int, str]:
    app = create_app(project, environment="")
    answer = app.test_client().get("/ready")
    app.extensions["service"].stop()
    return answer.status_code, answer.text


def folder_of(project: Project) -> Path:
    return project.model_path(project.config.models[0])


def test_what_is_signed_is_served_and_its_hash_stays(signed: Project, trained: Project) -> None:
    assert (folder_of(signed) / SIGNATURE).is_file()
    assert sha256(folder_of(signed)) == trained.config.models[0].sha256
    assert readiness(signed)[0] == 200
    (folder_of(signed) / "__pycache__").mkdir()
    (folder_of(signed) / "__pycache__" / "x.pyc").touch()
    assert readiness(signed)[0] == 200
    assert (signed.root / "signing_key.pem").stat().st_mode & 0o077 == 0 or sys.platform == "win32"


def test_an_unsigned_version_is_refused_in_one_line(signed: Project) -> None:
    (folder_of(signed) / SIGNATURE).unlink()
    status, text = readiness(signed)
    assert status == 503
    assert "is not signed, and model.yaml has `require_signature`: sign-model signs it." in text


def test_what_was_changed_is_refused_even_with_its_new_hash(signed: Project) -> None:
    """Who may write into the folder may write the note of its hash as well."""
    with (folder_of(signed) / "schema.json").open("a") as stream:
        stream.write("\n")
    assert "its files' hash differs" in readiness(signed)[1]
    entry = signed.config.models[0].model_copy(update={"sha256": sha256(folder_of(signed))})
    registrations.write(signed.registrations_path, [entry])
    status, text = readiness(Project(signed.root))
    assert status == 503
    assert "is not what was signed with the key of signing.pub" in text
    assert "schema.json" in text or "mismatch" in text.lower()


def test_what_is_signed_as_another_version_is_refused(signed: Project) -> None:
    """An older signed version does not come back under a newer number, nor as another model."""
    registered = signed.config.models[0]
    key, public = signed.root / "signing_key.pem", signed.root / "signing.pub"
    other = signed.root / "local_assets" / "models" / registered.name / "99"
    shutil.copytree(folder_of(signed), other)
    entry = registered.model_copy(update={"version": "99"})
    registrations.write(signed.registrations_path, [entry])
    status, text = readiness(Project(signed.root))
    assert status == 503
    was = f"is signed as {registered.name} {registered.version}: restore its folder"
    assert f"{registered.name}, version 99, {was}" in text
    write_json(other / SIGNED_AS, {"name": registered.name, "version": "99"})
    assert "is not what was signed with the key" in readiness(Project(signed.root))[1]
    signatures.sign(other, key, registered.name)  # before a registry has numbered it
    assert readiness(Project(signed.root))[0] == 200
    with pytest.raises(ProjectError, match=f"is signed as {registered.name}: restore"):
        signatures.refuse_unsigned(other, public, "another", "99")


def test_the_signature_of_another_key_is_refused(signed: Project, tmp_path: Path) -> None:
    signatures.new_key(tmp_path / "other.pem", tmp_path / "other.pub")
    name, version = signed.config.models[0].name, signed.config.models[0].version
    signatures.sign(folder_of(signed), tmp_path / "other.pem", name, version)
    assert "is not what was signed with the key of signing.pub" in readiness(signed)[1]
    (folder_of(signed) / SIGNATURE).write_text("nothing\n")
    assert "is not what was signed" in readiness(signed)[1]


def test_without_model_signing_or_a_key_the_line_says_what_to_do(
    signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = invoke(signed, "sign-model", "--new-key")
    assert "signing_key.pem is there already: it stays." in again.output
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, "model_signing", None)
        assert "Signatures need model-signing: run init with the group" in readiness(signed)[1]
    (signed.root / "signing_key.pem").unlink()
    assert "set SIGNING_KEY to its file" in invoke(signed, "sign-model").output
    (signed.root / "signing.pub").unlink()
    assert "which is to be the public key" in readiness(signed)[1]


def test_an_image_gets_the_public_key_and_what_checks_it(signed: Project, tmp_path: Path) -> None:
    assert signatures.GROUP in images.groups(signed)
    for name in ("constraints.txt", "pyproject.toml", "gunicorn.conf.py", "internal"):
        (signed.root / name).mkdir() if name == "internal" else (signed.root / name).touch()
    for name in ("pyproject.toml", "seedling"):
        (signed.root / "internal" / name).touch()
    images.stage(signed, tmp_path / "image")
    here = {path.name for path in (tmp_path / "image").rglob("*")}
    assert {"signing.pub", SIGNATURE} <= here
    assert "signing_key.pem" not in here


def test_a_service_without_signatures_does_not_load_the_library() -> None:
    script = "import seedling.serving.app, sys; print({'model_signing'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
