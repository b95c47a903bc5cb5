"""A stand-in for Azure's command line: tokens after a login, notes of the rest."""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "full"))

from azureml.tokens import LIFETIME, token
from azureml.workspace import SUBSCRIPTION

NOBODY = "ERROR: Please run 'az login' to setup account."


def main(words: list[str], notes: Path) -> int:
    with (notes / "az.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")
    login = Path(os.environ["HOME"], ".azure", "login.json")
    if words == ["login"]:  # a person, in the browser
        login.parent.mkdir(exist_ok=True)
        account = {"client": "", "tenant": "tenant", "subscription": SUBSCRIPTION}
        login.write_text(json.dumps(account), encoding="utf-8")
        return 0
    if not login.exists():
        print(NOBODY, file=sys.stderr)
        return 1
    account = json.loads(login.read_text(encoding="utf-8"))
    if words[:2] == ["account", "get-access-token"]:
        resource = words[words.index("--resource") + 1]
        expires = int(time.time()) + LIFETIME
        print(json.dumps({"accessToken": token(resource), "expires_on": expires}))
    elif words[:2] == ["account", "show"]:
        print(json.dumps({"id": account["subscription"], "tenantId": account["tenant"]}))
    elif words[:2] == ["bicep", "version"]:
        print(json.dumps("0.38.33"))
    elif words[:2] == ["group", "exists"]:
        print(json.dumps((notes / "group").exists()))
    elif words[:2] == ["group", "create"]:
        (notes / "group").touch()
    elif words[:3] == ["deployment", "group", "what-if"]:
        print(json.dumps({"changes": []}))
    elif words[:3] == ["deployment", "group", "create"]:
        made = {name: {"value": value} for name, value in outputs(notes).items()}
        print(json.dumps({"properties": {"provisioningState": "Succeeded", "outputs": made}}))
    else:
        print(f"ERROR: az {' '.join(words[:3])} is not emulated.", file=sys.stderr)
        return 2
    return 0


def outputs(notes: Path) -> dict[str, str]:
    """What a deployment gives out: as a test has written it."""
    path = notes / "outputs.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["WORLD_NOTES"])))
