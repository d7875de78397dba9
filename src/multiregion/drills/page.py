"""report.html: one page for people, made of the facts and of what is derived from them. No script, nothing from elsewhere."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from multiregion.drills import sections
from multiregion.drills.charts import strip, through, waterfall
from multiregion.drills.facts import Facts, Row
from multiregion.drills.figures import GROUPS, TITLES, TONES, amount, meaning, time
from multiregion.drills.markup import SIGNS, definitions, section, table

CSS = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(facts: Facts, derived: Row, *, key: str, previous: str | None) -> str:
    title = f"Drill {facts.header['run']}: {TITLES[derived['verdict']].lower()}"
    body = [
        head(facts),
        "<main>",
        verdict(derived),
        headline(facts, derived),
        sections.objectives(derived),
        recovery(facts, derived),
        sections.loss(facts, derived),
        sections.promises(derived),
        sections.deviations(facts, derived),
        sections.chronology(facts),
        sections.scope(facts),
        sections.evidence(facts, derived, key, previous),
        sections.clauses(facts, derived),
        "</main>",
        f"<footer><p>Made by multiregion {escape(version(facts))} from the recorded facts in this bundle. This report says which evidence"
        " answers which clause. It does not say that anything complies.</p></footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{CSS.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def version(facts: Facts) -> str:
    return str(facts.environment.get("versions", {}).get("multiregion", ""))


def head(facts: Facts) -> str:
    header = facts.header
    title = facts.plan.get("drill", {}).get("title") or f"Drill {header['run']}: {header['scenario']}"
    started = f"{header['started'][:10]}, {header['started'][11:19]} UTC"
    return (
        f'<header class="page"><div class="over"><span>Drill report, run {header["run"]}</span><span>{escape(started)}</span></div>'
        f"<h1>{escape(title)}</h1></header>"
    )


def verdict(derived: Row) -> str:
    found = derived["verdict"]
    tone = TONES[found]
    return (
        f'<section class="verdict tone-{tone}" aria-labelledby="verdict"><h2 class="word" id="verdict">{SIGNS[tone]}{TITLES[found]}</h2>'
        f"<p>{escape(meaning(derived))}</p></section>"
    )


def headline(facts: Facts, derived: Row) -> str:
    """The four figures that people ask for first, each with its objective or its resolution."""
    measures = derived["measures"]
    limits = {each["objective"]: each for each in derived["objectives"]}

    def note(objective: str, otherwise: str) -> str:
        found = limits.get(objective)
        if found is None:
            return otherwise
        return f"objective {amount(found['limit'], found['unit'])}, {'met' if found['met'] else 'missed'}"

    figures = []
    for group, objective, words in (("write", "rto_write", "Without writes (RTO)"), ("read", "rto_read", "Without reads (RTO)")):
        rto = measures["rto"][group]
        shown = "not measured" if not rto["measured"] else "never back" if rto["microseconds"] is None else time(rto["microseconds"] or 0)
        resolution = f"± {time(rto['resolution'])}" if rto["measured"] else ""
        figures.append((words, shown, resolution, note(objective, "no objective was set")))
    rpo = measures["rpo"]
    predicted = measures["prediction"]["predicted"]
    said = "not predicted" if predicted is None else f"{predicted:,} predicted"
    figures.append(("Writes lost (RPO)", f"{rpo['writes']:,}", said, note("rpo_writes", "no objective was set")))
    figures.append(("Loss in time (RPO)", time(rpo["seconds"]), "", note("rpo_seconds", "no objective was set")))
    parts = [
        f'<div><dt>{words}</dt><dd class="figure">{shown}</dd><dd class="note">{extra}{"<br>" if extra else ""}{limit}</dd></div>'
        for words, shown, extra, limit in figures
    ]
    return f'<dl class="headline">{"".join(parts)}</dl>'


def recovery(facts: Facts, derived: Row) -> str:
    measures = derived["measures"]
    figures = [
        figure(waterfall(measures["clocks"]), ""),
        figure(
            strip(facts, measures),
            f"{legend(MARKS)} Each mark is one operation at the time it was due; a line shows how long its answer took. Shaded: the"
            " outage, from the first operation that failed until answers were steady again (99 % over 5 s).",
        ),
        figure(
            through(facts, measures),
            f"{legend(BARS)} Latency, on a logarithmic scale, counts from the due time: the median of those answered, and the slowest in"
            " grey. Clients that ignore the state on purpose are left out.",
        ),
    ]
    columns = [("Service", ""), ("Without it", "n"), ("Resolution", "n"), ("Longest wait", "n"), *((each, "n") for each in OUTCOMES)]
    rows = [recovery_row(measures, group, title) for group, title in GROUPS.items()]
    back = measures["reconstitution"]
    facts_of_return = [
        ("Both regions level again", f"{time(back['level'])} after the fault" if back["level"] is not None else "not seen"),
        ("Without writes at failback", time(back["failback"]) if back["failback"] is not None else "not measured"),
    ]
    lead = "Measured by clients on one monotonic clock. Operations go out on schedule, whatever became of those before."
    return section("recovery", "Recovery", lead, *figures, table(columns, rows), "<h3>Return to normal</h3>", definitions(facts_of_return))


OUTCOMES = ("Answered", "Refused", "Unknown")
WORDS = {"ok": "answered", "refused": "refused: certainly not done", "unknown": "unknown: no answer, or none that says"}
MARKS = {
    "ok": '<circle class="fill ok" cx="6" cy="6" r="2"/>',
    "refused": '<circle class="ring" cx="6" cy="6" r="3"/>',
    "unknown": '<path class="cross" d="M3 3l6 6m0-6l-6 6"/>',
}
BARS = {out: f'<rect class="fill {out}" x="1" y="1" width="10" height="10"/>' for out in WORDS}


def legend(marks: dict[str, str]) -> str:
    keys = (f'<span><svg viewBox="0 0 12 12" aria-hidden="true">{marks[out]}</svg>{words}</span>' for out, words in WORDS.items())
    return f'<span class="legend">{"".join(keys)}</span>'


def recovery_row(measures: Row, group: str, title: str) -> Sequence[str]:
    rto, counts = measures["rto"][group], measures["errors"]["groups"][group]
    found = [escape(title)]
    if not rto["measured"]:
        found += ["not measured", "", ""]
    else:
        without = (
            "never back" if rto["microseconds"] is None else "nothing failed" if not rto["microseconds"] else time(rto["microseconds"])
        )
        found += [without, f"± {time(rto['resolution'])}", time(rto["longest"])]
    return [*found, *(f"{counts[out]:,}" for out in ("ok", "refused", "unknown"))]


def figure(drawing: str, caption: str) -> str:
    if not drawing:
        return ""
    words = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><div class="wide" tabindex="0">{drawing}</div>{words}</figure>'
