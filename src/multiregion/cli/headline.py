"""The first lines of `status`: whether anybody can write, and how automatic takeover is."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.text import Text

from multiregion.cli.state import sentence, serving


def headline(found: dict[str, Any]) -> Iterator[Text]:
    """`found` is what the authority answers to `/operator/status`."""
    trouble = trouble_of(found)
    state = f"{found['state']}, epoch {found['epoch']}"
    yield Text.from_markup(f"[bold red]✗[/] {trouble} The state is {state}." if trouble else sentence(found))
    if automatic := found.get("automatic"):
        yield from automatic_lines(automatic, in_trouble=trouble is not None)


def trouble_of(found: dict[str, Any]) -> str | None:
    """What is wrong with the region that ought to write, or else to serve reads."""
    name = found["writer"] or serving(found)
    region = next(region for role, region in found["status"].items() if found["regions"][role] == name)
    if not region["answers"]:
        wrong = "has a damaged database" if region.get("damaged") else "does not answer"
        return f"{name} {wrong}, and {'no other region takes writes' if found['writer'] else 'the application points to it'}."
    if found["writer"] and not region["writes"]:
        return f"{name}, which is to take the writes, takes none now."
    return None


def automatic_lines(automatic: dict[str, Any], *, in_trouble: bool) -> Iterator[Text]:
    if automatic["takeover"]:
        words = "An automatic takeover is not acknowledged, and there is no other until it is: multiregion automatic acknowledge"
        yield Text.from_markup(f"[yellow]![/] {words}")
    if automatic["mode"] != "automatic":
        return
    paused = " but [yellow]paused[/]" if automatic["paused"] else ""
    waits = automatic["waitsBecause"]
    now = f" No takeover now: {escape(waits)}." if in_trouble and waits else "" if waits else " A takeover is under way."
    yield Text.from_markup(f"Takeover is [bold]automatic[/]{paused}.{now}")
