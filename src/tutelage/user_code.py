"""Loads a user's Python files, named in a configuration as FILE.py:FUNCTION, and identifies them by content hash.

    UserCode.named("my_grader.py:grade", "task.grader").load(say)     the function `grade`

Modules that the file imports from its own folder, or from that of the script that was started, are included. The hashed
bytes are the executed bytes. Nothing else of the folder can be imported, and nothing is loaded that the configuration
does not name. What is installed is not hashed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from tutelage.contracts import told
from tutelage.errors import ConfigError, TutelageError

Sources = Mapping[str, tuple[Path, bytes]]
"""Modules by name, with their file and its content."""


def is_code(text: str) -> bool:
    """Whether a name means a function in a file: my_tasks.py:make_task."""
    return ".py:" in text or text.endswith(".py")


@dataclass(frozen=True, slots=True)
class UserCode:
    """A function in a file, with the source of that file and of the modules beside it that it imports.

    `setting` is what names it, for errors.
    """

    setting: str
    path: Path
    function: str
    source: bytes
    beside: Sources

    @classmethod
    def named(cls, text: str, setting: str) -> UserCode:
        """Read the files. Raises ConfigError: no such file, not Python, or it hides an installed package."""
        file, colon, function = text.rpartition(":")
        if not colon or not file.endswith(".py") or not function.isidentifier():
            raise ConfigError(f"{setting} is {text!r}; write it as FILE.py:FUNCTION, such as my_file.py:my_function")
        path = Path(file)
        source, beside = _read(path, setting), dict[str, tuple[Path, bytes]]()
        _gather(path.parent, path, source, setting, beside)
        return cls(setting, path, function, source, beside)

    @property
    def digest(self) -> str:
        """16 hex digits of a hash over the function's name and the content of all files, independent of their place."""
        content = hashlib.sha256(self.function.encode())
        for name, source in [("", self.source), *((name, source) for name, (_, source) in sorted(self.beside.items()))]:
            content.update(f"\0{name}\0{len(source)}\0".encode() + source)
        return content.hexdigest()[:16]

    def __str__(self) -> str:
        """The loaded files, in words."""
        others = ", ".join(str(path) for path, _ in self.beside.values())
        return f"{self.path} (content {self.digest}){f', which imports {others}' if others else ''}"

    def load(self, say: Callable[[str], None]) -> Callable[..., Any]:
        """Report what is loaded, run it, and return the function.

        Raises ConfigError: it fails, or has no such function.
        """
        say(f"{self.setting}: {self.function} is loaded from {self}")
        module = ModuleType(f"tutelage_user_{self.path.stem}_{self.digest}")
        module.__file__, module.__package__ = str(self.path), ""
        sys.modules[module.__name__] = module  # dataclasses and pickle look there
        self._offer_what_is_beside()
        try:
            exec(compile(self.source, str(self.path), "exec"), module.__dict__)
        except TutelageError:
            raise
        except (Exception, SystemExit) as error:
            fault = told(error, self.path)
            if "relative import" in fault:
                fault += "; write `import helper` for a helper.py beside it"
            raise ConfigError(f"{self.setting}: {self.path} cannot be loaded: {fault}") from error
        found = getattr(module, self.function, None)
        if found is None:
            raise ConfigError(f"{self.setting}: {self.path} has no function {self.function}")
        if not callable(found):
            raise ConfigError(
                f"{self.setting}: {self.function} of {self.path} is a {type(found).__name__}, not a function"
            )
        return found

    def _offer_what_is_beside(self) -> None:
        """Make the modules beside the file importable, now and later, and unload those of another file."""
        for name in self.beside:
            if isinstance(getattr(sys.modules.get(name), "__loader__", None), _FromMemory):
                del sys.modules[name]
        others = [finder for finder in sys.meta_path if getattr(finder, "path", None) != self.path.resolve()]
        sys.meta_path[:] = [_Beside(self.path.resolve(), self.beside), *others] if self.beside else others


def _read(path: Path, setting: str) -> bytes:
    try:
        if not path.is_file():
            raise ConfigError(f"{setting}: there is no file {path}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{setting}: cannot read {path}: {told(error)}") from None


def _gather(folder: Path, path: Path, source: bytes, setting: str, found: dict[str, tuple[Path, bytes]]) -> None:
    """Add the modules beside a file that it imports, directly or indirectly."""
    try:
        tree = ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{setting}: {path} is not Python: {told(error)}") from None
    for top in sorted(set(_imported(tree)) - sys.stdlib_module_names - {"tutelage"}):
        if top in found:
            continue
        beside = _files_of(folder, top)
        if not beside and (folder / top).is_dir() and _is_namespace(top):
            raise ConfigError(f"{setting}: {path} imports the folder {folder / top}; give it an __init__.py")
        for name, file in beside or _files_of(_started_in(), top):
            _refuse_hiding(top, folder if beside else _started_in(), setting)
            found[name] = (file, _read(file, setting))
            _gather(folder, file, found[name][1], setting, found)


def _imported(tree: ast.AST) -> Iterator[str]:
    """The first parts of all imported names, anywhere in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _files_of(folder: Path, top: str) -> list[tuple[str, Path]]:
    """The module `top` in the folder, or the package with all its modules; empty if there is none."""
    package = folder / top
    if (package / "__init__.py").is_file():
        files = sorted(package.rglob("*.py"))
        dotted = [".".join(file.relative_to(folder).with_suffix("").parts) for file in files]
        return [(name.removesuffix(".__init__"), file) for name, file in zip(dotted, files, strict=True)]
    file = folder / f"{top}.py"
    return [(top, file)] if file.is_file() else []


def _started_in() -> Path:
    """The folder of the user's script, or the current one with `python -m`: what is found there is the user's, too."""
    first = sys.path[0] if sys.path else ""
    return Path(sys.executable if first.endswith("-packages") else first)  # no module is below an executable


def _is_namespace(top: str) -> bool:
    """Whether no file is behind a name: nothing that is installed."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True
    return spec is None or spec.origin is None


def _refuse_hiding(top: str, folder: Path, setting: str) -> None:
    """Refuse a module beside the file that would hide an installed one in the whole process. Raises ConfigError."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or isinstance(spec.loader, _FromMemory) or spec.origin is None:
        return
    if folder.resolve() not in Path(spec.origin).resolve().parents:
        raise ConfigError(f"{setting}: {top} beside it in {folder} hides the module {spec.origin}; rename it")


class _FromMemory(InspectLoader):
    """Runs a module from the hashed bytes, without cached bytecode."""

    def __init__(self, path: Path, source: bytes, package: bool) -> None:
        self.path, self.source, self.package = path, source, package

    def get_source(self, fullname: str) -> str:
        return self.source.decode()

    def is_package(self, fullname: str) -> bool:
        return self.package

    def get_code(self, fullname: str) -> Any:  # noqa: ANN401 - as InspectLoader has it
        return compile(self.source, str(self.path), "exec")


class _Beside(MetaPathFinder):
    """Finds the modules beside one file of the user's."""

    def __init__(self, path: Path, sources: Sources) -> None:
        self.path, self.sources = path, sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.sources:
            return None
        file, source = self.sources[fullname]
        loader = _FromMemory(file, source, file.name == "__init__.py")
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)
