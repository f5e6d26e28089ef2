"""Rewrites the operators of a script into calls of functions of the prelude, so that durations can have operators.

The values of the Starlark interpreter that stand for durations know neither floats nor Go's text form, and would mix
with plain numbers. So `a + b` becomes `lt__add(a , b)`, where `lt__add` adds ordinary values as before and leaves
durations to `load_tester.domain.duration`. The grammar of Starlark is a part of Python's, therefore `ast` tells where
each operator stands. Every edit is made in place: no line moves, operands keep their order and are evaluated once.

What is rewritten: `+ - * / // % <<` with their augmented assignments, unary `-` and `+`, comparisons by order, whatever
decides by truth, f-strings, and a few methods. Hashing, sorting, `==` and `in` work without. On request the script also
says which line it reaches, before every statement and after every call: `lt__at(0, 7); x = lt__at(0, 7, (f()))`.
"""

import ast
import warnings
from dataclasses import dataclass
from typing import Final

MAX_DEPTH: Final = 500
"""How deep expressions may be nested; far above anything written by hand, and safe for the interpreter's stack."""

_BINARY: Final[dict[type[ast.AST], tuple[str, str]]] = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "sub"),
    ast.Mult: ("*", "mul"),
    ast.Div: ("/", "div"),
    ast.FloorDiv: ("//", "floordiv"),
    ast.Mod: ("%", "mod"),
    ast.LShift: ("<<", "lshift"),
    ast.Lt: ("<", "lt"),
    ast.LtE: ("<=", "le"),
    ast.Gt: (">", "gt"),
    ast.GtE: (">=", "ge"),
}
_UNARY: Final[dict[type[ast.AST], str]] = {ast.USub: "neg", ast.UAdd: "pos"}

_METHODS: Final = ("format", "codepoints", "codepoint_ords", "scale", "round_dp")
"""What the prelude has other methods for: those of strings that differ here, and those of decimals, hidden."""

_NO_DURATIONS: Final = (
    *(ast.Compare, ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict),
    *(ast.ListComp, ast.DictComp, ast.Lambda),
)
"""Expressions whose truth is that of the interpreter; `not` is another."""

# The order of edits at one place: what ends there, what begins there, what is replaced there.
_CLOSES, _OPENS, _REPLACES = range(3)


class Unreadable(ValueError):
    """A script whose structure cannot be read; `line` counts from 1, `is_depth` says that it is nested too deeply."""

    def __init__(self, message: str, line: int, *, is_depth: bool = False) -> None:
        super().__init__(message)
        self.line = line
        self.is_depth = is_depth


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    at: int
    kind: int
    rank: int
    removed: int
    text: bytes


def rewritten(source: str, watched_as: int | None = None) -> str:
    """The script with its operators as calls; it has the same lines as `source`, which must end them with LF.

    With `watched_as`, the number of the file for `lt__at`, it also says which line it reaches.

    Raises:
        Unreadable: Python's parser does not accept it (then Starlark's will hardly do), or it is nested too deeply.
    """
    rewriting = _Rewriting(source.encode(), watched_as)
    rewriting.visit(_parsed(source))
    return rewriting.text()


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about escapes like "\d" that Starlark accepts
            tree = ast.parse(source)
    except SyntaxError as error:  # Python's parser has limits for parentheses and indentation, far below Starlark's
        raise Unreadable(error.msg, error.lineno or 1, is_depth=error.msg.startswith("too many")) from None
    except (RecursionError, MemoryError):
        raise Unreadable("expressions are nested too deeply", 1, is_depth=True) from None
    except ValueError as error:
        raise Unreadable(str(error), 1) from None
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    line = next((node.lineno for node in level if isinstance(node, (ast.expr, ast.stmt))), 1)
    raise Unreadable(f"expressions are nested more than {MAX_DEPTH} levels deep", line, is_depth=True)


def _is_load(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="load")):
            return True
    return False


class _Rewriting:
    """The edits of one script; positions are byte offsets, as `ast` counts columns in UTF-8."""

    def __init__(self, source: bytes, watched_as: int | None) -> None:
        self._source = source
        self._watched_as = watched_as
        self._line_starts = [0]
        for line in source.split(b"\n"):
            self._line_starts.append(self._line_starts[-1] + len(line) + 1)
        self._edits: list[_Edit] = []
        self._conditions: set[ast.expr] = set()  # those of `and` and `or` of which nothing matters but their truth

    def text(self) -> str:
        """The source with all edits made."""
        parts = []
        position = 0
        for edit in sorted(self._edits):
            parts += [self._source[position : edit.at], edit.text]
            position = edit.at + edit.removed
        parts.append(self._source[position:])
        return b"".join(parts).decode()

    def visit(self, tree: ast.Module) -> None:
        """Collect the edits, outer nodes before inner ones; with a stack of its own, as scripts may be deep."""
        pending: list[ast.AST] = [tree]
        rank = 0
        while pending:
            node = pending.pop()
            rank += 3  # a node may have edits of three ranks
            if self._watched_as is not None:
                self._watch(node, rank)
            if isinstance(node, ast.JoinedStr):
                self._f_string(node, rank + 1)
                continue
            self._operator(node, rank + 1)
            self._decision(node, rank + 1)
            pending.extend(reversed(list(ast.iter_child_nodes(node))))

    def _watch(self, node: ast.AST, rank: int) -> None:
        match node:
            case ast.Expr(value=value) if _is_load(value):
                pass
            case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Return():
                self._insert(self._start(node), _OPENS, rank, f"lt__at({self._watched_as}, {node.lineno}); ")
            case ast.For(iter=value) | ast.If(test=value):
                self._surround(value, rank, f"lt__at({self._watched_as}, {value.lineno}, (", "))")
            case ast.Call() if not _is_load(node):
                self._surround(node, rank, f"lt__at({self._watched_as}, {node.lineno}, (", "))")

    def _operator(self, node: ast.AST, rank: int) -> None:
        match node:
            case ast.BinOp(left=left, op=op) if type(op) in _BINARY:
                self._infix(node, left, op, rank)
            case ast.Compare(left=left, ops=[op]) if type(op) in _BINARY:
                self._infix(node, left, op, rank)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY and not isinstance(operand, ast.Constant):
                self._insert(self._start(node), _REPLACES, rank, f"lt__{_UNARY[type(op)]}(", removed=1)
                self._insert(self._end(node), _CLOSES, -rank, ")")
            case ast.AugAssign(target=ast.Name(id=name), op=op) if type(op) in _BINARY:
                sign, function = _BINARY[type(op)]
                at = self._find(sign, self._end(node.target))
                text = f"= lt__i{function}({name}, ("
                self._insert(at, _REPLACES, rank, text, removed=len(sign) + 1)
                self._insert(self._end(node), _CLOSES, -rank, "))")
            case ast.AugAssign(target=ast.Subscript() as target, op=op) if type(op) in _BINARY:
                self._item_assignment(node, target, op, rank)
            case ast.Attribute(attr=name, ctx=ast.Load(), value=value) if name in _METHODS:
                self._surround(node, rank, "lt__getattr(")
                self._insert(self._find(".", self._end(value)), _REPLACES, rank, ",", removed=1)
                self._insert(self._end(node) - len(name), _REPLACES, rank, f"'{name}'", removed=len(name))

    def _decision(self, node: ast.AST, rank: int) -> None:
        match node:
            case ast.BoolOp():
                self._and_or(node, rank)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.UnaryOp(op=ast.Not(), operand=test):
                self._condition(test, rank)
            case ast.comprehension(ifs=tests):
                for test in tests:
                    self._condition(test, rank)

    def _and_or(self, node: ast.BoolOp, rank: int) -> None:
        """`a and b` becomes `lt__value(lt__truth(a) and b)`; `or` never has a false left side for its value."""
        matters_only_as_truth = node in self._conditions
        deciding = node.values if matters_only_as_truth else node.values[:-1]
        changed = [self._condition(operand, rank + 1) for operand in deciding]
        if isinstance(node.op, ast.And) and any(changed) and not matters_only_as_truth:
            self._surround(node, rank, "lt__value(")

    def _condition(self, node: ast.expr, rank: int) -> bool:
        """Make the truth of an expression that of durations, too; says whether anything had to be done."""
        match node:
            case ast.BoolOp():
                self._conditions.add(node)
            case ast.UnaryOp(op=ast.Not()):
                return False
            case _ if isinstance(node, _NO_DURATIONS):
                return False
            case _:
                self._surround(node, rank, "lt__truth(")
        return True

    def _infix(self, node: ast.expr, left: ast.expr, op: ast.AST, rank: int) -> None:
        sign, function = _BINARY[type(op)]
        self._surround(node, rank, f"lt__{function}(")
        self._insert(self._find(sign, self._end(left)), _REPLACES, rank, ",", removed=len(sign))

    def _item_assignment(self, node: ast.AugAssign, target: ast.Subscript, op: ast.AST, rank: int) -> None:
        """`a[i] += b` becomes `lt__item_add(lt__item(a, i), (b))`: the item is read before `b` is evaluated."""
        if isinstance(target.slice, (ast.Slice, ast.Tuple)):
            return  # neither can be assigned to in Starlark, and it says so itself
        sign, function = _BINARY[type(op)]
        self._insert(self._start(target), _OPENS, rank, f"lt__item_{function}(lt__item(")
        self._insert(self._find("[", self._end(target.value)), _REPLACES, rank, ",", removed=1)
        self._insert(self._end(target) - 1, _REPLACES, rank, ")", removed=1)
        at = self._find(sign, self._end(target))
        self._insert(at, _REPLACES, rank, ", (", removed=len(sign) + 1)
        self._insert(self._end(node), _CLOSES, -rank, "))")

    def _f_string(self, node: ast.JoinedStr, rank: int) -> None:
        """`f"{a}"` becomes `lt__spelled("{a}".format(a=a))`; Starlark allows nothing but names between the braces."""
        start = self._start(node)
        prefix_length = self._source[start : start + 2].lower().find(b"f")
        if prefix_length < 0:
            raise Unreadable("a string behind another string", node.lineno)
        names = sorted({part.id for part in ast.walk(node) if isinstance(part, ast.Name)})
        arguments = ", ".join(f"{name}={name}" for name in names)
        self._surround(node, rank, "lt__spelled(", f".format({arguments}))")
        self._insert(start + prefix_length, _REPLACES, rank, "", removed=1)

    def _surround(self, node: ast.expr, rank: int, before: str, behind: str = ")") -> None:
        self._insert(self._start(node), _OPENS, rank, before)
        self._insert(self._end(node), _CLOSES, -rank, behind)

    def _insert(self, at: int, kind: int, rank: int, text: str, *, removed: int = 0) -> None:
        self._edits.append(_Edit(at, kind, rank, removed, text.encode()))

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._line_starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None, "the parser sets it"
        assert node.end_col_offset is not None, "the parser sets it"
        return self._line_starts[node.end_lineno - 1] + node.end_col_offset

    def _find(self, sign: str, position: int) -> int:
        """Where `sign` stands behind the end of an operand: only blanks, parentheses and comments can be between."""
        wanted = sign.encode()
        while not self._source.startswith(wanted, position):
            if self._source.startswith(b"#", position):
                position = self._source.index(b"\n", position)
            else:
                position += 1
        return position
