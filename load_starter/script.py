"""Evaluates a script, written in Starlark, into a plan."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

import starlark

from load_starter.arithmetic import operate, operate_unary
from load_starter.budget import MAX_BITS, MAX_LENGTH, MAX_RANGE, Budget
from load_starter.plan import Place, Plan
from load_starter.rewrite import Unreadable, rewritten
from load_starter.source import as_lines, without_tabs
from load_starter.trouble import PRELUDE, ScriptError, error_at, innermost, translated
from load_starter.value import MARK, in_script, spelled
from load_starter.vocabulary import CONSTANTS, Mistake, Vocabulary, duration_of
from load_tester.domain.duration import Duration

SUFFIXES: Final = (".star", ".py")
"""How the names of scripts may end."""

_KEPT: Final = (
    *("type", "str", "repr", "range", "max", "min", "sorted", "abs"),
    *("bool", "any", "all", "getattr", "hasattr", "dir", "int"),
)
"""Builtins of Starlark that the prelude replaces, and uses."""


class Watcher(Protocol):
    """Wants to know at every instant which line a script has reached; that takes much of the script's time."""

    def opened(self, name: str, source: str) -> int:
        """A file is about to be evaluated; returns the number by which `reached` will call it."""

    def reached(self, file: int, line: int) -> None:
        """The script is at this line of that file."""


def evaluate_file(
    path: Path,
    load_server: str,
    print_line: Callable[[str], None],
    budget: Budget | None = None,
    watcher: Watcher | None = None,
) -> Plan:
    """Evaluate the script at `path`; what it prints goes to `print_line`.

    `load_server` is the base URL for tests that name none. Scripts can `load` files of the same directory and of those
    below it. This process has to bear what the script does; `load_starter.sandbox` is for scripts of all kinds.

    Raises:
        ScriptError: the script cannot be read, or has an error.
    """
    root = path.resolve().parent

    def read(name: str) -> str:
        file = (root / name).resolve()
        if not file.is_relative_to(root):
            raise Mistake(f"{name!r} is outside of the script's directory")
        return _text_of(file)

    name = str(path).encode(errors="backslashreplace").decode()  # what is no text in a name becomes a lone surrogate
    if name != str(path):
        raise ScriptError("a script's name must be UTF-8 text", name)
    if path.suffix not in SUFFIXES:
        raise ScriptError("a script's name must end in .star or .py", str(path))
    try:
        text = _text_of(path)
    except Mistake as mistake:
        raise ScriptError(str(mistake), str(path)) from None
    return evaluate(str(path), text, load_server, print_line=print_line, read=read, budget=budget, watcher=watcher)


def evaluate(
    name: str,
    text: str,
    load_server: str,
    *,
    print_line: Callable[[str], None],
    read: Callable[[str], str],
    budget: Budget | None = None,
    watcher: Watcher | None = None,
) -> Plan:
    """Evaluate the script `text`, which messages call `name`, into a plan.

    `read` gives the text of a neighbouring file for its path relative to the script, or raises `Mistake`.

    Raises:
        ScriptError: the script has an error; the message shows its file, line and source line.
    """
    vocabulary = Vocabulary(load_server)
    evaluation = _Evaluation(name, vocabulary, print_line, read, budget or Budget(), watcher)
    evaluation.run(text)
    return vocabulary.plan()


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Mistake(f"the file is not UTF-8 text ({error})") from None
    except OSError as error:
        raise Mistake(f"the file cannot be read: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True)
class _Prelude:
    code: str
    exported: tuple[str, ...]


@cache
def _prelude() -> _Prelude:
    code = resources.files("load_starter").joinpath("prelude.star").read_text(encoding="utf-8")
    functions = re.findall(r"^def ([a-z]\w*)\(", code, re.MULTILINE)
    return _Prelude(code, (*functions, *CONSTANTS))


@cache
def _dialect() -> starlark.Dialect:
    dialect = starlark.Dialect.extended()
    dialect.enable_f_strings = True
    dialect.enable_positional_only_arguments = True
    dialect.enable_load_reexport = False
    dialect.enable_types = starlark.DialectTypes.DISABLE
    return dialect


@cache
def _globals() -> starlark.Globals:
    return starlark.Globals.extended_by([starlark.LibraryExtension.CallStack])


class _Evaluation:
    """One evaluation of a script and the files it loads; owns everything that changes meanwhile."""

    def __init__(
        self,
        name: str,
        vocabulary: Vocabulary,
        print_line: Callable[[str], None],
        read: Callable[[str], str],
        budget: Budget,
        watcher: Watcher | None,
    ) -> None:
        self._name = name
        self._vocabulary = vocabulary
        self._print_line = print_line
        self._read = read
        self._budget = budget
        self._watcher = watcher
        budget.begin()
        self._options = starlark.EvalOptions(
            check_cancelled=budget.is_spent, max_callstack_size=budget.limits.max_calls
        )
        self._sources: dict[str, str] = {}
        self._loading: list[str] = []
        self._loaded: dict[str, starlark.FrozenModule] = {}
        self._raised: BaseException | None = None
        self._prelude = self._made_prelude()

    def run(self, text: str) -> None:
        """Evaluate the script itself."""
        self._module(posixpath.basename(self._name), self._name, text)

    def _made_prelude(self) -> starlark.FrozenModule:
        module = starlark.Module()
        for name, function in self._functions().items():
            module.add_callable(name, self._recorded(function))
        for name, ns in CONSTANTS.items():
            module[name] = in_script(Duration(ns))
        module["_MARK"], module["_ZERO"], module["_FALSE"] = MARK, in_script(Duration(0)), Decimal(0)
        module["_MAX_LENGTH"], module["_MAX_RANGE"], module["_MAX_BITS"] = MAX_LENGTH, MAX_RANGE, MAX_BITS
        module["_DEFAULT"] = "\0the load tester of the command line"
        kept = "\n".join([*(f"_builtin_{name} = {name}" for name in _KEPT), "_call_stack = call_stack"])
        for code in (kept, _prelude().code):
            starlark.eval(module, starlark.parse(PRELUDE, code, _dialect()), _globals())
        return module.freeze()

    def _functions(self) -> Mapping[str, Callable[..., Any]]:
        """What the prelude finds defined."""
        vocabulary = self._vocabulary
        return {
            "_operate": operate,
            "_operate_unary": operate_unary,
            "_spelled": spelled,
            "_duration": lambda text: in_script(duration_of(text, "duration")),
            "_print": self._print_line,
            "_fail": _fail,
            "_at": self._watcher.reached if self._watcher else lambda *_: None,
            "_too_long": _too_long,
            "_too_many": _too_many,
            "_reset_url": vocabulary.reset_url,
            "_set_url": vocabulary.set_url,
            "_add_attack": lambda stack, *given: vocabulary.add_attack(self._place(stack), *given),
            "_add_locust": lambda stack, *given: vocabulary.add_locust(self._place(stack), *given),
            "_add_external": lambda stack, argv: vocabulary.add_external(self._place(stack), argv),
            "_add_sleep": lambda stack, duration: vocabulary.add_sleep(self._place(stack), duration),
        }

    def _recorded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, but what it raises is kept: Starlark keeps the message only."""

        def call(*args: Any) -> Any:
            try:
                return function(*args)
            except BaseException as error:
                self._raised = error
                raise

        return call

    def _place(self, stack: str) -> Place:
        place = innermost(stack)
        assert place is not None, "somebody calls the prelude's functions"
        return place

    def _module(self, relative: str, name: str, text: str) -> starlark.FrozenModule:
        """Evaluate one file; `relative` is its path as seen from the script, `name` what messages call it."""
        source = as_lines(text)
        self._sources[name] = source
        self._loading.append(relative)
        module = starlark.Module()
        names = ", ".join(f'"{symbol}"' for symbol in _prelude().exported)
        imports = starlark.parse(PRELUDE, f'load("{PRELUDE}", {names})', _dialect())
        starlark.eval(module, imports, _globals(), starlark.FileLoader(lambda _: self._prelude))
        loader = starlark.FileLoader(self._recorded(self._load))
        try:
            starlark.eval_with(self._options, module, self._parsed(name, source), _globals(), file_loader=loader)
        except starlark.StarlarkError as error:
            raise self._explained(error, name) from None
        self._loading.pop()
        return module.freeze()

    def _parsed(self, name: str, source: str) -> starlark.AstModule:
        """What is evaluated. The original is parsed, too, so that syntax errors are Starlark's and show its text."""
        watched_as = self._watcher.opened(name, source) if self._watcher else None
        source = without_tabs(source)
        try:
            code = rewritten(source, watched_as)
        except Unreadable as unreadable:
            if not unreadable.is_depth:
                starlark.parse(name, source, _dialect())
            raise error_at(f"syntax error: {unreadable}", Place(name, unreadable.line), self._sources) from None
        starlark.parse(name, source, _dialect())
        return starlark.parse(name, code, _dialect())

    def _load(self, wanted: str) -> starlark.FrozenModule:
        """The neighbouring file that a `load` statement of the file being evaluated asks for."""
        relative = posixpath.normpath(posixpath.join(posixpath.dirname(self._loading[-1]), wanted))
        if relative.startswith(("/", "..")):
            raise Mistake(f"{wanted!r} is outside of the script's directory")
        if not relative.endswith(SUFFIXES):
            raise Mistake(f"{wanted!r}: a script's name must end in .star or .py")
        if relative in self._loading:
            chain = " -> ".join([*self._loading[self._loading.index(relative) :], relative])
            raise Mistake(f"files load each other in a circle: {chain}")
        if relative not in self._loaded:
            name = posixpath.join(posixpath.dirname(self._name), relative)
            self._loaded[relative] = self._module(relative, name, self._read(relative))
        return self._loaded[relative]

    def _explained(self, error: starlark.StarlarkError, name: str) -> BaseException:
        """What to raise for an error of the interpreter: what a function of ours raised, or the author's mistake."""
        raised = self._raised
        if raised is not None and not isinstance(raised, Mistake):
            return raised
        return translated(str(error), name, self._sources, str(raised) if raised else self._budget.reason)


def _fail(message: str) -> None:
    raise Mistake(message or "the script failed")


def _too_long(length: int) -> None:
    raise Mistake(f"the result would have {length} elements; the limit is {MAX_LENGTH}")


def _too_many(length: int) -> None:
    raise Mistake(f"a range of {length} numbers is too long; the limit is {MAX_RANGE}")
