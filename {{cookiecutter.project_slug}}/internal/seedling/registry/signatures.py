"""Signatures of versions: made with a key of this machine, checked with a public one, offline.

`model.sig` lies in the version's folder, in the format of model-signing (Sigstore's bundle). Signed
with the files, `signed_as.json` has the name and the version that they are signed as: in another
version's folder the same files are refused. Neither is part of the hash of the files, so that a
version can be signed once it is registered.
"""

from pathlib import Path
from typing import Any

from seedling.errors import ProjectError
from seedling.files import (
    SIGNATURE,
    SIGNED_AS,
    read_json,
    write_json,
    write_private,
    write_text,
)

PUBLIC_KEY = "signing.pub"
GROUP = "signing"
INSTALL = f"run init with the group `{GROUP}`"


def sign(folder: Path, key: Path, name: str, version: str | None = None) -> None:
    """Sign the files of a version, as this version of this name.

    Args:
        folder: the version's; its `model.sig` is written anew.
        key: the file of a private key on an elliptic curve, as PEM.
        name: that it is registered under.
        version: its number; any version of the name unless given, for files that a registry has
            still to number.

    Raises:
        ProjectError: there is no such key, or model-signing is not installed.
    """
    _refuse_missing(
        key, "private key: set SIGNING_KEY to its file, or make one: sign-model --new-key"
    )
    signing, _, hashing = _library()
    path = folder / SIGNATURE
    path.unlink(missing_ok=True)
    write_json(folder / SIGNED_AS, {"name": name} | ({"version": version} if version else {}))
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key)
        config.set_hashing_config(_hashing(hashing, folder)).sign(folder, path)
    except Exception as error:
        raise ProjectError(f"{key.name} does not sign: {_reason(error)}.") from None


def refuse_unsigned(folder: Path, key: Path, name: str, version: str) -> None:
    """Check the signature of a version.

    Args:
        folder: the version's.
        key: the file of the public key, as PEM.
        name: that it is served under.
        version: that it is served as.

    Raises:
        ProjectError: it has no signature, or one of another key, of other files or of another
            version; or the key is missing, or model-signing is not installed.
    """
    where = f"{name}, version {version}"
    _refuse_missing(key, "public key: serving.public_key of model.yaml names it")
    path = folder / SIGNATURE
    if not path.is_file():
        raise ProjectError(
            f"{where}, is not signed, and model.yaml has `require_signature`: sign-model signs it."
        )
    _, verifying, hashing = _library()
    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=key)
        config.set_hashing_config(_hashing(hashing, folder)).verify(folder, path)
    except Exception as error:
        raise ProjectError(
            f"{where}, is not what was signed with the key of {key.name}: {_reason(error)}. "
            "Restore its folder, or train again."
        ) from None
    # It is one of the files that were signed.
    signed = read_json(folder / SIGNED_AS) if (folder / SIGNED_AS).is_file() else {}
    if (signed.get("name"), signed.get("version", version)) != (name, version):
        signed_as = " ".join(str(each) for each in signed.values()) or "no version"
        raise ProjectError(
            f"{where}, is signed as {signed_as}: restore its folder, or sign-model signs it as it "
            "is, if it is what you mean to serve."
        )


def new_key(private: Path, public: Path) -> None:
    """Write a new pair of keys: the private one for this user only, the public one for git.

    Raises:
        ProjectError: there is a private key already.
    """
    if private.exists():
        raise ProjectError(f"{private} is there already: it stays.")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write_private(private, key.private_bytes(pem, *plain).decode())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    write_text(public, key.public_key().public_bytes(pem, form).decode())


def _library() -> tuple[Any, Any, Any]:
    try:
        from model_signing import hashing, signing, verifying
    except ImportError:
        raise ProjectError(f"Signatures need model-signing: {INSTALL}.") from None
    return signing, verifying, hashing


def _hashing(hashing: Any, folder: Path) -> Any:
    """Return what counts of the files: all but the signature, and Python's `__pycache__`."""
    ignored = [folder / SIGNATURE, *folder.rglob("__pycache__")]
    return hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=False)


def _refuse_missing(key: Path, what: str) -> None:
    if not key.is_file():
        raise ProjectError(f"There is no {key}, which is to be the {what}.")


def _reason(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return words[0].rstrip(".:") if words else type(error).__name__
