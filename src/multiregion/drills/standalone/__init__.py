"""Generates `verify.py`: the modules that judge a bundle, inlined into one file that needs nothing but Python."""

import ast
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent
MODULES = ("facts", "index", "contents", "conduct", "oracle", "measures", "corruptions", "verdict", "ed25519", "bundle", "standalone/entry")
"""In the order of their imports."""
OURS = "multiregion.drills"
HEAD = '''#!/usr/bin/env python3
"""Checks this bundle without multiregion: `python3 -I verify.py [FOLDER] [--key KEY.pub]`.

It compares every file with the sealed manifest, checks the seals, the chain of the history, and that the plan was sealed before; then it
derives the verdict, the figures and the self-check again from the recorded facts, and compares them with report.json. Exit 0 if all
agrees, 1 if anything differs. Nothing but Python 3.11 or newer is needed. It is made of the modules of multiregion that made the report;
take it from a source that you trust if you do not trust the bundle.
"""

'''


@cache
def source() -> str:
    """The text of verify.py. Raises ValueError if two modules give one name to different things."""
    imports: set[str] = set()
    bodies: list[str] = []
    owners: dict[str, str] = {}
    for module in MODULES:
        text = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
        tree = ast.parse(text)
        for node in tree.body:
            for name in defined(node):
                if owners.setdefault(name, module) != module:
                    raise ValueError(f"both {owners[name]} and {module} define {name}")
            if isinstance(node, ast.Import | ast.ImportFrom) and not is_ours(node):
                imports.add(ast.unparse(node))
        bodies.append(f"# --- {module} ---\n\n" + "\n".join(body_of(text, tree)).strip() + "\n")
    return HEAD + "\n".join(sorted(imports)) + "\n\n" + "\n\n".join(bodies)


def is_ours(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS)


def defined(node: ast.stmt) -> list[str]:
    """Names that a statement gives at the top of a module."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    return []


def body_of(text: str, tree: ast.Module) -> list[str]:
    """The lines of a module, without its docstring and its imports, which stand together at the top."""
    left_out: set[int] = set()
    for number, node in enumerate(tree.body):
        is_docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [line for number, line in enumerate(text.splitlines(), 1) if number not in left_out]
