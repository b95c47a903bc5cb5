"""The code and the packages that a saved model needs where its project is not importable.

They are found by following imports: from the module by which MLflow loads the model, its predict.py
and derive.py, and the modules of the objects in its pickle.
"""

import ast
import pickletools
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec, resolve_name
from pathlib import Path

import seedling

PLUMBING, MODELS = "seedling", "models"
# The public face, for files of the team's that import it.
FACE = f"{PLUMBING}/__init__.py"
GIVE_WAY = """
# A copy beside a model has a part of the modules: those of a project's plumbing come first.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)[::-1]
"""
# Parts of the plumbing that answer no rows: an import inside of a function is not followed there.
APART = ("azure", "cli", "compiled", "containers", "release", "scaffold", "serving", "training")
# Conditions of lines that only a type checker reads, or that run where the file is a script.
ALONE = re.compile("TYPE_CHECKING|__main__")
# Packages that the plumbing needs to answer rows.
ALWAYS = ("msgspec", "numpy", "pandas", "pydantic", "python-dotenv", "ruamel.yaml", "scikit-learn")


class ModelCode:
    """The files of the project that some modules need, and the packages that these import.

    Attributes:
        files: each file, by its path below a folder of `sys.path`.
        packages: the names that installed packages are imported by.
    """

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.packages: set[str] = set()
        models = find_spec(MODELS)
        places = models.submodule_search_locations if models else None
        self._root = Path(next(iter(places or ["."]))).resolve().parent  # the project's
        self._seen: set[str] = set()

    def follow(self, module: str) -> None:
        """Add a module with all that it imports; nothing if there is none of this name."""
        if module in self._seen:
            return
        self._seen.add(module)
        top, _, rest = module.partition(".")
        if not self._is_ours(top):
            self.packages.add(top)
            return
        if rest:
            self.follow(module.rpartition(".")[0])
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):  # the parent is no package
            return
        if spec is None and top == PLUMBING and rest in seedling.__all__:
            self.files[FACE] = Path(seedling.__file__)
            self.follow(getattr(seedling, rest).__module__)
        if spec is None or spec.origin is None or not spec.has_location:
            return
        path, is_package = Path(spec.origin), spec.submodule_search_locations is not None
        if rest or (module != PLUMBING and _says_something(path)):
            place = module.replace(".", "/")
            self.files[f"{place}/__init__.py" if is_package else f"{place}.py"] = path
        if module != PLUMBING:
            self.follow_file(path, module if is_package else module.rpartition(".")[0])

    def follow_file(self, path: Path, package: str = "") -> None:
        """Add all that a file imports; `package` is the one that it is in."""
        within = package.partition(".")[0] == PLUMBING
        for name, is_inside in _imports(path, package):
            top, _, rest = name.partition(".")
            is_apart = top != PLUMBING or rest.partition(".")[0] in APART
            if not (within and is_inside and is_apart):
                self.follow(name)

    def follow_pickle(self, path: Path) -> None:
        """Add the modules of the objects in a pickle, which is not loaded."""
        for module in sorted(_pickled_modules(path)):
            self.follow(module)

    def requirements(self) -> list[str]:
        """Return the packages as pinned requirements, with those of the plumbing; sorted."""
        installed = packages_distributions()
        found = {name for top in self.packages for name in installed.get(top, ())}
        return [f"{name}=={version(name)}" for name in sorted({*found, *ALWAYS})]

    def copy(self, folder: Path) -> None:
        """Copy the files into a folder for `sys.path`.

        A top-level package has no `__init__.py` there, if that is empty: where the project is
        importable, its own package is found instead, whichever stands first.
        """
        for place, path in self.files.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / place)
        if FACE in self.files:
            with (folder / FACE).open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(GIVE_WAY)

    def _is_ours(self, top: str) -> bool:
        """Return whether a top-level module is the plumbing, or a file of the project's."""
        if top == PLUMBING:
            return True
        if top in sys.stdlib_module_names:
            return False
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return False
        places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
        found = [Path(place).resolve() for place in places]
        return any(self._root in path.parents and not self._is_installed(path) for path in found)

    def _is_installed(self, path: Path) -> bool:
        return "site-packages" in path.parts or "internal" in path.relative_to(self._root).parts


def _says_something(path: Path) -> bool:
    """Return whether a file has more than a docstring."""
    body = ast.parse(path.read_bytes()).body
    return any(not isinstance(node, ast.Expr) for node in body)


def _pickled_modules(path: Path) -> set[str]:
    """Return the names of the modules whose classes and functions a pickle has."""
    found: set[str] = set()
    memo: list[str] = []
    before, last = "", ""  # the texts that were pushed last
    with path.open("rb") as stream:
        for code, argument, _ in pickletools.genops(stream):
            if code.name == "GLOBAL":
                found.add(str(argument).partition(" ")[0])
            elif code.name == "STACK_GLOBAL":
                found.add(before)
            elif code.name == "MEMOIZE":
                memo.append(last)
            elif isinstance(argument, int) and code.name in ("BINGET", "LONG_BINGET"):
                before, last = last, memo[argument]
            elif isinstance(argument, str) and code.name.endswith("UNICODE"):
                before, last = last, argument
    return found


def _imports(path: Path, package: str) -> Iterator[tuple[str, bool]]:
    """Yield the names of modules that a file may import, and whether it does so in a function."""
    if path.suffix != ".py":
        return
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_bytes()), False)]
    while waiting:
        node, is_inside = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((each.name, is_inside) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield module, is_inside
            yield from ((f"{module}.{each.name}", is_inside) for each in node.names)
        elif isinstance(node, ast.If) and ALONE.search(ast.dump(node.test)):
            waiting += [(each, is_inside) for each in node.orelse]
        else:
            inside = is_inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            waiting += [(each, inside) for each in ast.iter_child_nodes(node)]
