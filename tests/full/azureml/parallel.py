"""Parallel steps: files that a script's run(mini_batch) is given, some at a time."""

import re
import shlex
from pathlib import Path

from azureml.documents import Document
from azureml.messages import Refused

DRIVER = Path(__file__).with_name("driver.py")
REFERENCE = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)\s*\}\}")
UNLIMITED = -1


def command_of(name: str, node: Document, spec: Document, twice: bool = False) -> str:
    """The command that calls the script of a pipeline's parallel node.

    Args:
        name: the node's.
        node: what the pipeline says of it, which goes before its component.
        spec: its component.
        twice: whether some mini-batches are delivered twice.
    """
    task = spec["task"]
    if task["type"] != "run_function":
        _refuse(name, f"a task of the type {task['type']}")
    for option in ("partition_keys", "model"):
        if (node | task).get(option):
            _refuse(name, option)
    source = _bound(name, "input_data", node["input_data"], spec["inputs"], "uri_folder")
    append = task.get("append_row_to")  # without it, what run() returns is only counted
    target = append and _bound(name, "append_row_to", append, spec["outputs"], "uri_file")
    size = str(node["mini_batch_size"])
    if not re.fullmatch(r"[1-9]\d*", size):
        _refuse(name, f"mini_batch_size {size}, for files,")
    words = [
        *("python", str(DRIVER), "--script", task["entry_script"]),
        *("--size", size),
        *("--retries", str(node["retry_settings"]["max_retries"])),
        *("--threshold", str(node.get("error_threshold", UNLIMITED))),
        *("--batches", str(node.get("mini_batch_error_threshold", UNLIMITED))),
        *["--twice"] * twice,
    ]
    arguments = task.get("program_arguments") or ""
    places = f"--data {source}" + (f" --rows {target}" if target else "")
    return f"{shlex.join(words)} {places} {arguments}"


def _bound(node: str, option: str, value: str, declared: Document, type_: str) -> str:
    """A reference to an input or output of that type."""
    found = REFERENCE.fullmatch(value.strip())
    kind = declared.get(found[2], {}).get("type") if found else None
    if kind != type_:
        _refuse(node, f"{option} {value or 'that is empty'}, which is no {type_},")
    return value


def _refuse(node: str, what: str) -> None:
    raise Refused(400, "UserError", f"jobs.{node}: {what} is not emulated.")
