"""Figures in words: durations, shares, and what each verdict means."""

from multiregion.drills.facts import Facts, Row
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED, PASS

OBJECTIVES = {
    "rto_write": "Time without writes (RTO)",
    "rto_read": "Time without reads (RTO)",
    "rto_sign_in": "Time without sign-in (RTO)",
    "rto_object": "Time without uploads (RTO)",
    "rpo_writes": "Writes lost (RPO)",
    "rpo_seconds": "Loss in time (RPO)",
    "errors_outside_outage": "Errors outside the outage",
}
GROUPS = {"write": "Writes", "read": "Reads", "sign_in": "Sign-ins", "object": "Uploads"}
CLOCKS = {
    "fault": ("Fault", "injected, or the switch ordered"),
    "detected": ("Detected", "the first client failed"),
    "decided": ("Decided", "the authority decided on a new writer"),
    "executed": ("Executed", "the region obeyed"),
    "validated": ("Validated", "clients write again, and it lasts"),
}


def time(microseconds: float | None) -> str:
    """About three digits."""
    if not microseconds:
        return "not known" if microseconds is None else "0 s"
    if abs(microseconds) < 1_000_000:
        milliseconds = microseconds / 1000
        return f"{milliseconds:.0f} ms" if abs(milliseconds) >= 10 else f"{milliseconds:.1f} ms"
    seconds = microseconds / 1_000_000
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def amount(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    if unit == "us":
        return time(value)
    return f"{value:.3%}" if unit == "share" else f"{value:,.0f}"


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def meaning(derived: Row) -> str:
    """What the verdict says, in one or two sentences."""
    broken = [rule for rule in derived["rules"] if rule["outcome"] == "broken"]
    missed = [each for each in derived["objectives"] if not each["met"]]
    kept = sum(rule["outcome"] == "kept" for rule in derived["rules"])
    if derived["verdict"] == PASS:
        met = f", and {plural(len(derived['objectives']), 'objective')} met" if derived["objectives"] else "; no objective was set"
        return f"All {kept} promises that this run could test were kept{met}."
    if derived["verdict"] == BROKEN:
        return f"{broken[0]['rule']} was broken: {broken[0]['witnesses'][0]['text']}."
    if derived["verdict"] == MISSED:
        names = ", ".join(OBJECTIVES.get(each["objective"], each["objective"]).lower().replace("(rto)", "").strip() for each in missed)
        return f"All {kept} promises that this run could test were kept. Missed: {names}."
    return f"This run shows neither success nor failure, and its figures count for nothing: {derived['doubts'][0]}."


TITLES = {PASS: "Pass", BROKEN: "Promise broken", MISSED: "Objective missed", INCONCLUSIVE: "Inconclusive"}
TONES = {PASS: "good", BROKEN: "bad", MISSED: "warn", INCONCLUSIVE: "warn"}


def limits_of(facts: Facts) -> list[str]:
    """What a reader must know before believing it."""
    return [
        "Without an outside timestamp the operator, who holds every key, could have fabricated this bundle. A time-stamp token"
        " (RFC 3161), or a witness with a key of its own, closes that.",
        "The verdict rests on what clients were told and on what both regions answered at the end. Logs of the system explain;"
        " they decide nothing.",
        f"Nothing shorter than the time between two operations can be seen. The driver sent {facts.header['rate']:g} operations a second.",
    ]


def foretold(prediction: Row) -> str:
    """What the takeover said it would lose, held against what was lost."""
    if prediction["predicted"] is None:
        return "not asked" if prediction["outcome"] == "not asked" else "unknown"
    lately = f" and the last {time(prediction['seconds'] * 1_000_000)}" if prediction["outcome"] == "since" else ""
    came_of_it = {"exact": "exactly what was lost", "under": "fewer than were lost"}.get(prediction["outcome"], "no fewer than were lost")
    return f"{prediction['predicted']:,}{lately}: {came_of_it}"
