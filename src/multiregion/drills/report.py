"""The three reports of a bundle, from the same facts: report.html for people, report.json for machines, summary.txt for a terminal."""

from multiregion.drills.bundle import REPORT, canonical
from multiregion.drills.clauses import CLAUSES, STANDARDS
from multiregion.drills.facts import Facts, Row
from multiregion.drills.figures import CLOCKS, OBJECTIVES, amount, foretold, meaning, plural, time
from multiregion.drills.page import page

FORMAT = 1
PAGE, SUMMARY = "report.html", "summary.txt"
SUMMARY_LINES = 20


def documents(facts: Facts, derived: Row, *, key: str, previous: str | None) -> dict[str, bytes]:
    """By the name of the file. `derived`: of exactly these facts; `key`: KEY.pub; `previous`: digest of the seal of the run before."""
    return {
        PAGE: page(facts, derived, key=key, previous=previous).encode(),
        REPORT: canonical(machine_readable(facts, derived, previous)),
        SUMMARY: summary(facts, derived).encode(),
    }


def machine_readable(facts: Facts, derived: Row, previous: str | None) -> Row:
    return {
        "format": FORMAT,
        "run": facts.header["run"],
        "scenario": facts.header["scenario"],
        "started": facts.header["started"],
        "regions": facts.header["regions"],
        "drill": facts.plan.get("drill", {}),
        "previous": previous,
        "derived": derived,
        "clauses": [dict(zip(("evidence", "part", *STANDARDS), each, strict=True)) for each in CLAUSES],
    }


def summary(facts: Facts, derived: Row) -> str:
    """At most SUMMARY_LINES lines."""
    measures, header = derived["measures"], facts.header
    title = facts.plan.get("drill", {}).get("title")
    what = f"{title} ({header['scenario']})" if title else header["scenario"]
    lines = [
        f"Drill {header['run']}: {what}, {header['started']}",
        f"{derived['verdict'].upper()}. {meaning(derived)}",
        "",
    ]
    for each in derived["objectives"][:7]:
        said = "met" if each["met"] else "MISSED"
        measured, limit = amount(each["measured"], each["unit"]), amount(each["limit"], each["unit"])
        lines.append(f"{OBJECTIVES.get(each['objective'], each['objective']):<28}{measured:>14}   limit {limit:>9}   {said}")
    clocks, start = measures["clocks"], measures["clocks"]["fault"]
    if start is not None:
        known = [
            f"{CLOCKS[name][0].lower()} +{time(clocks[name] - start)}" for name in CLOCKS if name != "fault" and clocks[name] is not None
        ]
        lines.append(f"Clocks    {', '.join(known)}")
    rpo, prediction = measures["rpo"], measures["prediction"]
    lines.append(f"Lost      {plural(rpo['writes'], 'write')} acknowledged; predicted: {foretold(prediction)}; ledger: {len(facts.ledger)}")
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in measures["operations"].items())
    lines.append(f"Heard     {counts}; clients that ignore the state are refused on purpose")
    noticed = sum(each["noticed"] for each in derived["self_check"])
    kept = [each["rule"] for each in derived["rules"] if each["outcome"] == "kept"]
    lines.append(f"Kept      {', '.join(kept) or 'none'}")
    broken = [f"{each['rule']} ({each['count']})" for each in derived["rules"] if each["outcome"] == "broken"]
    lines += [f"Broken    {', '.join(broken)}"] if broken else []
    lines += [f"Doubt     {doubt}" for doubt in derived["doubts"][:2]]
    lines.append(f"Checker   {noticed} of {len(derived['self_check'])} planted defects found")
    lines.append("Check it  python3 -I verify.py")
    return "\n".join(lines[:SUMMARY_LINES]) + "\n"
