"""A function's code as one text: what it imports from its neighbours put before it, comments and docstrings left out."""

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "lambdas"
PACKAGE = "infra.lambdas."
SHARED = "shared"
"""The module whose values are put in as they are when the template is made, instead of its code."""


def inline(module: str, values: Mapping[str, str] | None = None) -> str:
    """`values` take the place of what the code assigns to these names. Raises ValueError for a name that it does not assign, and if two
    of the files use one name for different things, which would be one thing in the end."""
    bodies = {name: ast.parse((FOLDER / f"{name}.py").read_text()).body for name in ordered(module)}
    if SHARED in bodies:
        bodies[SHARED] = shared_values({each for body in bodies.values() for each in imported_from_shared(body)})
    owners: dict[str, str] = {}
    for name, body in bodies.items():
        for defined in definitions(body):
            if owners.setdefault(defined, name) != name:
                raise ValueError(f"{defined} is defined in {owners[defined]} and in {name}")
    statements = with_values([node for body in bodies.values() for node in body], values or {})
    imports = sorted({ast.unparse(node) for node in statements if isinstance(node, ast.Import | ast.ImportFrom) and not neighbour(node)})
    code = [bare(node) for node in statements if not isinstance(node, ast.Import | ast.ImportFrom) and not is_text(node)]
    return narrow("\n".join([*imports, *(ast.unparse(node) for node in code)])) + "\n"


def imported_from_shared(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and neighbour(node) == SHARED:
            yield from (each.name for each in node.names)


def shared_values(names: set[str]) -> list[ast.stmt]:
    """An assignment for each of the names. Raises ValueError for a value that cannot be written as a literal."""
    module = import_module(PACKAGE + SHARED)
    return [assignment(name, getattr(module, name)) for name in sorted(names)]


def assignment(name: str, value: object) -> ast.stmt:
    (made,) = ast.parse(f"{name} = {value!r}").body
    assert isinstance(made, ast.Assign)
    if ast.literal_eval(made.value) != value:
        raise ValueError(f"{name} is no plain value")
    return made


def with_values(statements: list[ast.stmt], values: Mapping[str, str]) -> list[ast.stmt]:
    left = dict(values)
    named = [next(iter(definitions([node])), "") for node in statements]
    made = [assignment(name, left.pop(name)) if name in left else node for name, node in zip(named, statements, strict=True)]
    if left:
        raise ValueError(f"nothing is called {', '.join(left)}")
    return made


def narrow(code: str) -> str:
    """Indented by one space, because a template in a StackSet has 51,200 bytes for everything. No text in the code spans lines."""
    return "\n".join(" " * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in code.split("\n"))


def ordered(module: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The module after the neighbours that it needs, each once."""
    for node in ast.parse((FOLDER / f"{module}.py").read_text()).body:
        if (name := neighbour(node)) and name not in seen:
            seen = ordered(name, seen)
    return (*seen, module)


def neighbour(node: ast.stmt) -> str | None:
    found = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE)
    return (node.module or "").removeprefix(PACKAGE) if isinstance(node, ast.ImportFrom) and found else None


def definitions(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def bare(node: ast.stmt) -> ast.stmt:
    """Without the docstrings in it, and without annotations of functions."""
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            each.body = [line for line in each.body if not is_text(line)] or [ast.Pass()]
        if isinstance(each, ast.FunctionDef):
            each.returns = None
            for argument in (*each.args.args, *each.args.kwonlyargs):
                argument.annotation = None
    return node
