"""Do here what an online deployment does: `python -m seedling.azure.try_script SCRIPT FILE...`.

The script's init() is called once and its run() for the body in each file; a line of JSON each
says what it has answered, and with which status.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main(script: str, paths: list[str]) -> None:
    """Answer the bodies in these files by a scoring script."""
    module = _loaded(Path(script))
    module.init()
    for path in paths:
        print(json.dumps(_told(module.run(Path(path).read_text(encoding="utf-8")))))


def _loaded(path: Path) -> Any:
    """Import a file as Azure's inference server does: by its path, its folder among the others."""
    spec: Any = importlib.util.spec_from_file_location("entry_script", path.resolve())
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def _told(answer: Any) -> dict[str, Any]:
    """Return status and JSON of what run() has answered: a response of Flask, a text, or values."""
    if hasattr(answer, "status_code"):
        return {"status": answer.status_code, "answer": answer.get_json()}
    return {"status": 200, "answer": json.loads(answer) if isinstance(answer, str) else answer}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
