"""`aws cost`: what a month costs, for the guide's scenario or the user's own numbers."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from multiregion.cli.state import print_json
from multiregion.cloud.estimate import Estimate, Item, Use
from multiregion.cloud.prices import Prices, packaged_prices, packaged_text, read_prices
from multiregion.cloud.template import packaged_template
from multiregion.commands.options import JsonOption
from multiregion.config import label

EXAMPLES = (
    "Examples: multiregion aws cost · multiregion aws cost --photos-gb 200 --users 5000 --writes 1000000"
    " · multiregion aws cost --show-prices > prices.toml"
)
DEFAULT = Use()
MANY = 10**12
console = Console(highlight=False)


def cost(
    photos_gb: Annotated[
        float, typer.Option("--photos-gb", min=0, max=MANY, help="Photographs kept, all new this month, GB.")
    ] = DEFAULT.photos_gb,
    users: Annotated[int, typer.Option("--users", min=0, max=MANY, help="Users who sign in during the month.")] = DEFAULT.users,
    reads: Annotated[int, typer.Option("--reads", min=0, max=MANY, help="Reads: state, lists, comments.")] = DEFAULT.reads,
    writes: Annotated[int, typer.Option("--writes", min=0, max=MANY, help="Writes: comments, photographs.")] = DEFAULT.writes,
    views_gb: Annotated[float, typer.Option("--views-gb", min=0, max=MANY, help="Photographs shown in browsers, GB.")] = DEFAULT.views_gb,
    page_loads: Annotated[int, typer.Option("--page-loads", min=0, max=MANY, help="How often the page is opened.")] = DEFAULT.page_loads,
    native_users: Annotated[bool, typer.Option("--native-users", help="With UserReplication=native: its keys.")] = False,
    region: Annotated[str, typer.Option("--region", help="The primary region.", metavar="REGION")] = "us-east-1",
    secondary_region: Annotated[str, typer.Option("--secondary-region", help="The second region.", metavar="REGION")] = "ap-northeast-1",
    prices: Annotated[Path | None, typer.Option("--prices", help="Your own prices; see --show-prices.", metavar="FILE")] = None,
    show_prices: Annotated[bool, typer.Option("--show-prices", help="Print the price file, to change a copy of it.")] = False,
    json: JsonOption = False,
) -> None:
    """Estimate what a month costs, by service and region. No account is needed, and AWS is not asked.

    The defaults are the guide's scenario: 1 GB of photographs and a few users. All numbers are for one month. Fixed costs are counted in
    the packaged template. Prices are list prices of one date, without taxes and discounts.
    """
    if show_prices:
        typer.echo(packaged_text(), nl=False)
        return
    known = read_prices(prices) if prices else packaged_prices()
    use = Use(
        photos_gb=photos_gb,
        users=users,
        reads=reads,
        writes=writes,
        views_gb=views_gb,
        page_loads=page_loads,
        native_users=native_users,
    )
    items = list(Estimate(use, packaged_template(), known, region, secondary_region).items())
    if json:
        print_json(answer(use, known, items))
    else:
        print_items(items, known, prices)


def totals(items: list[Item]) -> tuple[float, float]:
    """The month's dollars, and what the free allowances take off."""
    return sum(item.dollars for item in items), sum(item.saved for item in items)


def answer(use: Use, prices: Prices, items: list[Item]) -> dict[str, Any]:
    total, saved = totals(items)
    lines = [msgspec.to_builtins(item) for item in items]
    facts = {"currency": "USD", "pricesOf": prices.date, "pricesWere": prices.taken, "sources": dict(prices.sources)}
    return {**facts, "use": msgspec.to_builtins(use), "items": lines, "total": round(total, 2), "freeAllowances": round(saved, 2)}


def print_items(items: list[Item], prices: Prices, file: Path | None) -> None:
    """By service, the dearest first, with each line's region; what is less than a cent is there, too."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for side in ("left", "left", "right", "right"):
        table.add_column(justify="right" if side == "right" else "left", no_wrap=True)
    groups = {service: [item for item in items if item.service == service] for service in {item.service for item in items}}
    for service, lines in sorted(groups.items(), key=lambda group: (-totals(group[1])[0], group[0])):
        table.add_row(f"[bold]{service}[/]", "", "", f"[bold]${totals(lines)[0]:,.2f}[/]")
        for item in lines:
            where = f"  {label(item.region)}" if item.region else ""
            table.add_row(f"[dim]{where}[/]", item.what, amount_words(item), f"[dim]${item.dollars:,.2f}[/]")
    total, saved = totals(items)
    table.add_row("[bold]A month[/]", "", "", f"[bold]${total:,.2f}[/]")
    console.print(table)
    console.print(f"\nIf nothing else in the account uses them, the free allowances take off ${saved:,.2f}.")
    origin = f"from {file}" if file else "from the package"
    console.print(f"[dim]List prices of {prices.date}, in US dollars, {origin}, without taxes,[/]", soft_wrap=True)
    console.print("[dim]support, e-mail, and what AWS has changed since. See --show-prices.[/]", soft_wrap=True)
    if prices.taken:
        console.print(f"[yellow]![/] They are {escape(prices.taken)}. Check them before you rely on them.")


def amount_words(item: Item) -> str:
    shown = f"{item.amount:,.0f}" if item.amount >= 100 or item.amount == int(item.amount) else f"{item.amount:,.3g}"
    return f"{shown} {item.unit}"
