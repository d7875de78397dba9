"""The plan of a drill: what is to be shown, under which load, by which fault. TOML, checked field by field, sealed before the run."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from multiregion.errors import InvalidInput
from multiregion.shapes import in_words

SCENARIOS = ("planned", "crash", "partition", "freeze", "slow-link", "authority-loss", "lost-disk", "disk-full", "return")
KINDS = ("add", "replace", "delete", "photo", "password", "sign_in", "read", "repeat")
RATE_MAX, CLIENTS_MIN, CLIENTS_MAX = 1_000, 4, 200
DURATION_SECONDS_MIN, DURATION_SECONDS_MAX = 15.0, 3_600.0
TEXT_CHARACTERS_MAX = 500
PLAN_CHARACTERS_MAX = 100_000
SEED_MAX = 2**53
AMOUNT = re.compile(r"[<>]?=?\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|%)?")
SECONDS_IN = {"ms": 0.001, "s": 1.0, "m": 60.0}


class Drill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scenario: str
    title: str = ""
    requested_by: str = ""
    approved_by: str = ""
    reason: str = ""


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the run is held against; None: not asked."""

    rto_write: str | None = None
    rto_read: str | None = None
    rto_sign_in: str | None = None
    rto_object: str | None = None
    rpo_writes: int | None = None
    rpo_seconds: str | None = None
    errors_outside_outage: str | None = None


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate`: operations a second. `mix`: how often each kind; empty: as the application says. `duration`: of the load before, during and
    after the fault, without the return."""

    rate: float = 50.0
    clients: int = 8
    duration: str = "60s"
    mix: dict[str, float] = {}
    seed: int = 0


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: how long the load has been steady before it; "": a third of the duration. `milliseconds`: one way, for slow-link."""

    after: str = ""
    milliseconds: float = 200.0


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    by: str = "drill"
    writable: bool = True


class Return(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    failback: bool = True
    loss: str = "discard"


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    if_error_rate_before_fault: str = ">1%"
    lag_unknown: bool = True
    max_duration: str = "15m"


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"back": "return"}):
    drill: Drill
    objective: Objective = Objective()
    workload: Workload = Workload()
    fault: Fault = Fault()
    decision: Decision = Decision()
    back: Return = Return()
    stop: Stop = Stop()


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long each phase lasts at least, in seconds."""

    baseline: float
    outage: float
    after: float
    calm: float


def lengths(plan: Plan) -> Lengths:
    total = seconds("workload.duration", plan.workload.duration)
    baseline = seconds("fault.after", plan.fault.after) if plan.fault.after else min(20.0, max(4.0, total * 0.3))
    outage = min(8.0, max(2.0, total * 0.1))
    return Lengths(baseline, outage, max(7.0, total - baseline - outage), min(10.0, max(1.0, total / 6)))


def parse(text: str) -> Plan:
    """Raises InvalidInput, naming the field and its limit."""
    if len(text) > PLAN_CHARACTERS_MAX:
        raise InvalidInput(f"the plan has more than {PLAN_CHARACTERS_MAX:,} characters", field="plan", limit=PLAN_CHARACTERS_MAX)
    try:
        plan = msgspec.convert(tomllib.loads(text.removeprefix("\ufeff")), Plan)
    except RecursionError as error:
        raise InvalidInput("the plan is nested too deeply", field="plan") from error
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the plan: {in_words(error)}", field="plan") from error
    except ValueError as error:  # what is no TOML, and a number of thousands of digits
        raise InvalidInput(f"the plan is not TOML: {error}", field="plan") from error
    check(plan)
    return plan


def check(plan: Plan) -> None:
    """Raises InvalidInput, naming the field and its limit."""
    one_of("drill.scenario", plan.drill.scenario, SCENARIOS)
    for name in ("title", "requested_by", "approved_by", "reason"):
        if len(getattr(plan.drill, name)) > TEXT_CHARACTERS_MAX:
            raise wrong(f"drill.{name}", f"must have at most {TEXT_CHARACTERS_MAX} characters")
    check_objective(plan.objective)
    check_workload(plan.workload)
    if plan.fault.after:
        within("fault.after", seconds("fault.after", plan.fault.after), 1, 600)
    within("fault.milliseconds", plan.fault.milliseconds, 1, 10_000)
    one_of("decision.by", plan.decision.by, ("automatic", "operator", "drill"))
    one_of("return.loss", plan.back.loss, ("discard", "apply", "list-only"))
    within("stop.max_duration", seconds("stop.max_duration", plan.stop.max_duration), 60, 7_200)
    share("stop.if_error_rate_before_fault", plan.stop.if_error_rate_before_fault)


def check_objective(objective: Objective) -> None:
    for name in ("rto_write", "rto_read", "rto_sign_in", "rto_object", "rpo_seconds"):
        if (text := getattr(objective, name)) is not None:
            within(f"objective.{name}", seconds(f"objective.{name}", text), 0, 86_400)
    if objective.rpo_writes is not None:
        within("objective.rpo_writes", objective.rpo_writes, 0, 10**9)
    if objective.errors_outside_outage is not None:
        share("objective.errors_outside_outage", objective.errors_outside_outage)


def check_workload(workload: Workload) -> None:
    within("workload.rate", workload.rate, 1, RATE_MAX)
    within("workload.clients", workload.clients, CLIENTS_MIN, CLIENTS_MAX)
    within("workload.seed", workload.seed, 0, SEED_MAX)
    duration = seconds("workload.duration", workload.duration)
    within("workload.duration", duration, DURATION_SECONDS_MIN, DURATION_SECONDS_MAX)
    for kind, weight in workload.mix.items():
        one_of("workload.mix", kind, KINDS)
        within(f"workload.mix.{kind}", weight, 0, 1_000_000)
    if workload.mix and not any(workload.mix.values()):
        raise wrong("workload.mix", "must have a kind that is made at all")


def within(field: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise wrong(field, f"must be from {least:,g} to {most:,g}, not {value:,g}")


def one_of(field: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise wrong(field, f"must be one of {', '.join(words)}, not {value!r}")


def wrong(field: str, what: str) -> InvalidInput:
    return InvalidInput(f"{field} {what}", field=field)


def seconds(field: str, text: str) -> float:
    """`1.5s`, `200ms`, `15m`."""
    found = AMOUNT.fullmatch(text.strip())
    if not found or found[2] not in SECONDS_IN:
        raise wrong(field, f"must be a time such as 5s, 200ms or 15m, not {text!r}")
    return float(found[1]) * SECONDS_IN[found[2]]


def share(field: str, text: str) -> float:
    """`>1%` as 0.01."""
    found = AMOUNT.fullmatch(text.strip())
    if not found or found[2] != "%" or float(found[1]) > 100:
        raise wrong(field, f"must be a percentage such as 0.1%, not {text!r}")
    return float(found[1]) / 100


def objective_of(options: list[str]) -> dict[str, Any]:
    """`rto=5s` sets every RTO, `rpo=2s` the RPO in seconds, `rpo=100` that in writes; else a field by its own name."""
    found: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not value:
            raise wrong("--objective", f"must be NAME=LIMIT, as in rto=5s, not {option!r}")
        if name == "rto":
            found |= {f"rto_{kind}": value for kind in ("write", "read", "sign_in")}
        elif name in ("rpo", "rpo_writes") and value.isdecimal():
            found["rpo_writes"] = int(value)
        elif name == "rpo":
            found["rpo_seconds"] = value
        elif name in Objective.__struct_fields__ and name != "rpo_writes":
            found[name] = value
        else:
            raise wrong("--objective", f"must name rto, rpo, or one of {', '.join(Objective.__struct_fields__)}, not {name!r}")
    return found


def as_toml(plan: Plan) -> str:
    """The plan as people edit it and as it is sealed; `parse` gives the same plan back."""
    tables: Mapping[str, Any] = msgspec.to_builtins(plan)
    return "\n".join(f"[{name}]\n{''.join(lines(table))}" for name, table in tables.items() if table)


def lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {written(value)}\n" for name, value in table.items()]


def written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, str):  # JSON's escapes are TOML's, but for the delete character
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)
