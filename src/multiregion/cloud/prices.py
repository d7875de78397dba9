"""The list prices that `prices.toml` holds, or a file of the user's, checked when they are read."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from multiregion.errors import InvalidInput

PRICE_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for each unit. `taken` is how they were found, for whoever wants to know how far they can be relied on; `sources` are the
    pages where they are published, by the first word of their names."""

    date: str
    taken: str
    sources: Mapping[str, str]
    everywhere: Mapping[str, float]
    regions: Mapping[str, Mapping[str, float]]
    allowances: Mapping[str, float]

    def of(self, name: str, region: str | None) -> float:
        """The price of one unit; of what costs the same everywhere if `region` is None."""
        return (self.everywhere if region is None else self.regions[region])[name]

    def know(self, region: str) -> None:
        """Raises InvalidInput for a region without prices."""
        if region not in self.regions:
            raise InvalidInput(
                f"there are no prices for {region}, only for {', '.join(self.regions)}; write them into a file of your own (--prices)",
                field="region",
            )


def packaged_prices() -> Prices:
    return parsed(packaged_text(), "prices.toml")


def packaged_text() -> str:
    return files("multiregion").joinpath("cloud", "prices.toml").read_text(encoding="utf-8")


def read_prices(path: Path) -> Prices:
    """Raises InvalidInput, naming the file, the table and the price, if it is not complete."""
    try:
        if path.stat().st_size > PRICE_BYTES_MAX:
            raise InvalidInput(f"{path} is over {PRICE_BYTES_MAX:,} bytes", field="--prices")
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="--prices") from error


def parsed(text: str, name: str) -> Prices:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}", field="--prices") from error
    tables = {table: document.get(table, {}) for table in ("sources", "everywhere", "allowances", "regions")}
    problem = next(problems(document, tables), None)
    if problem:
        raise InvalidInput(f"{name}: {problem}", field="--prices")
    taken = str(document.get("taken", ""))
    return Prices(str(document["date"]), taken, tables["sources"], tables["everywhere"], tables["regions"], tables["allowances"])


def problems(document: Mapping[str, object], tables: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    if not document.get("date"):
        yield "date is missing: of which day are these prices?"
    yield from table_problems("everywhere", tables["everywhere"], EVERYWHERE)
    yield from table_problems("allowances", tables["allowances"], frozenset())
    if not tables["regions"]:
        yield "regions is empty"
    for region, table in tables["regions"].items():
        yield from table_problems(f"regions.{region}", table, IN_REGION)


def table_problems(name: str, table: object, wanted: frozenset[str]) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"{name} is no table"
        return
    yield from (f"{name}.{price} is missing" for price in sorted(wanted - set(table)))
    for price, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1_000_000:
            yield f"{name}.{price} must be a number from 0 to 1,000,000, not {value!r}"


EVERYWHERE = frozenset(
    {
        "cloudfront_gb",
        "cloudfront_million",
        "cloudwatch_alarm",
        "cloudwatch_dashboard",
        "cloudwatch_metric",
        "cognito_user",
        "kms_key",
        "lambda_gb_second",
        "lambda_million",
        "s3_replication_gb",
    }
)
IN_REGION = frozenset(
    {
        "api_million",
        "cloudwatch_logs_gb",
        "dynamodb_backup_gb",
        "dynamodb_gb",
        "dynamodb_read_million",
        "dynamodb_write_million",
        "s3_gb",
        "s3_get_thousand",
        "s3_put_thousand",
        "transfer_out_gb",
        "transfer_region_gb",
    }
)
