"""A function's code as one text: what it imports from its neighbours put before it, comments and docstrings left out."""

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "lambdas"
PACKAGE = "infra.lambdas."


def inline(module: str) -> str:
    """Raises ValueError if two of the files use one name for different things, which would be one thing in the end."""
    bodies = [ast.parse((FOLDER / f"{name}.py").read_text()).body for name in ordered(module)]
    owners: dict[str, str] = {}
    for name, body in zip(ordered(module), bodies, strict=True):
        for defined in definitions(body):
            if owners.setdefault(defined, name) != name:
                raise ValueError(f"{defined} is defined in {owners[defined]} and in {name}")
    statements = [node for body in bodies for node in body]
    imports = sorted({ast.unparse(node) for node in statements if isinstance(node, ast.Import | ast.ImportFrom) and not neighbour(node)})
    code = [bare(node) for node in statements if not isinstance(node, ast.Import | ast.ImportFrom) and not is_text(node)]
    return narrow("\n".join([*imports, *(ast.unparse(node) for node in code)])) + "\n"


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
