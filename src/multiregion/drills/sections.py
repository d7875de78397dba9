"""The sections of a report after its figures: what was lost, each promise, deviations, chronology, scope, how to check it, clauses."""

import hashlib
from collections.abc import Sequence
from html import escape

from multiregion.drills.clauses import CLAUSES, IDENTITY, RECOVERY, STANDARDS
from multiregion.drills.facts import Facts, Row
from multiregion.drills.figures import OBJECTIVES, amount, foretold, limits_of, plural, time
from multiregion.drills.markup import bullets, definitions, says, section, table

ENTRIES_MAX = 50
EVENTS_MAX = 80
SHARE_MAX = 9.99
OUTCOMES = {"kept": "good", "broken": "bad", "not judged": "none"}

DECIDED = {
    "drill": "ordered by the drill as soon as its clients noticed: the time that people take to notice and decide is not in the RTO",
    "operator": "ordered by an operator at another terminal",
    "automatic": "by automatic takeover",
}
TAKES_OVER = ("crash", "partition", "freeze", "lost-disk")


def objectives(derived: Row) -> str:
    if not derived["objectives"]:
        return section("objectives", "Objectives", "The plan set none, so nothing could be missed.")
    order = list(OBJECTIVES)
    columns = [("Objective", ""), ("Limit", "n"), ("Measured", "n"), ("Share of the limit", "gauge"), ("Margin", "n"), ("Result", "k")]
    rows = [
        [
            escape(OBJECTIVES.get(each["objective"], each["objective"])),
            amount(each["limit"], each["unit"]),
            amount(each["measured"], each["unit"]),
            gauge(each["measured"], each["limit"]),
            "" if each["margin"] is None else amount(each["margin"], each["unit"]),
            says("good", "met") if each["met"] else says("bad", "missed"),
        ]
        for each in sorted(derived["objectives"], key=lambda each: order.index(each["objective"]))
    ]
    return section("objectives", "Objectives", "Written down and sealed before the first request.", table(columns, rows))


def gauge(measured: float | None, limit: float) -> str:
    """How much of what was allowed was used."""
    if measured is None:
        return "unknown"
    share = measured / limit if limit else 2.0 * (measured > 0)
    words = f"{share:.0%}" if share <= SHARE_MAX and (limit or not measured) else "over"
    bar = '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><path class="rail" d="M0 4H100"/>'
    bar += f'<path class="{"used" if share <= 1 else "over"}" d="M0 4H{min(share, 1) * 100:.1f}"/></svg>'
    return f'<div class="gauge">{bar}<span>{words}</span></div>'


def loss(facts: Facts, derived: Row) -> str:
    rpo, prediction = derived["measures"]["rpo"], derived["measures"]["prediction"]
    kinds = ", ".join(f"{count:,} {kind.replace('_', '-')}" for kind, count in rpo["kinds"].items())
    pairs = [
        ("Acknowledged, and lost", f"{plural(rpo['writes'], 'write')}" + (f" ({kinds})" if kinds else "")),
        ("Entries of the ledger", ", ".join(f"{count:,} {outcome}" for outcome, count in rpo["outcomes"].items()) or "none"),
        ("Predicted before", foretold(prediction)),
        ("Bytes", f"{rpo['bytes']:,}" if rpo["bytes"] else ""),
        ("Credentials among them", ", ".join(rpo["credentials"])),
    ]
    parts = [definitions(pairs)]
    if facts.ledger:
        columns = [("Entry", "k"), ("Region", "k"), ("What", "k"), ("Item", ""), ("Outcome", "k"), ("By", "k")]
        rows = [
            [
                f"<code>{escape(each['id'])}</code>",
                escape(each["region"]),
                escape(each["k"] or "contents lost"),
                f"<code>{escape(each['item'] or '')}</code>",
                escape(each["outcome"]),
                escape(each.get("by") or ""),
            ]
            for each in facts.ledger[:ENTRIES_MAX]
        ]
        more = f"The first {ENTRIES_MAX} of {len(facts.ledger):,}; ledger.json has all." if len(facts.ledger) > ENTRIES_MAX else ""
        parts.append(table(columns, rows, more))
    lead = "An acknowledged write that is not there must be in the loss ledger. What is in neither would be a broken promise."
    return section("loss", "What was lost", lead, *parts)


def promises(derived: Row) -> str:
    rows = []
    for each in derived["rules"]:
        text = f"<div>{escape(each['promise'])}</div>"
        if each["outcome"] == "broken":
            smallest = each["witnesses"][0]
            lines = f" (history, line {', '.join(map(str, smallest['lines']))})" if smallest["lines"] else ""
            text += f"<div><strong>{escape(smallest['text'] + lines)}.</strong>"
            text += f" In all {plural(each['count'], 'witness').replace('witnesss', 'witnesses')}.</div>"
        elif each["text"]:
            text += f'<div class="says none">{escape(each["text"])}</div>'
        rows.append([each["rule"], text, says(OUTCOMES[each["outcome"]], each["outcome"])])
    met = [each["met"] for each in derived["objectives"]]
    outcome = says("none", "none set") if not met else says("good", "met") if all(met) else says("bad", "missed")
    rows.append(["C14", "Every objective of the plan is met", outcome])
    noticed = sum(each["noticed"] for each in derived["self_check"])
    checked = f"{noticed} of {len(derived['self_check'])} planted defects found"
    defects = [f"{each['rule']}: {each['defect']}{'' if each['noticed'] else ' (overlooked)'}" for each in derived["self_check"]]
    lead = "Judged from what clients were told, what both regions answer at the end, and the loss ledger."
    return section(
        "promises",
        "Promises",
        lead,
        table([("Rule", "k"), ("Promise", ""), ("Result", "k")], rows),
        f"<h3>{escape(checked)}</h3>",
        '<p class="lead">A check that cannot fail proves nothing. So each defect was planted in a copy of this recorded history, and the'
        " rule beside it had to notice.</p>",
        bullets(defects, "two"),
    )


def deviations(facts: Facts, derived: Row) -> str:
    found = [f"{each['rule']} broken: {each['witnesses'][0]['text']}" for each in derived["rules"] if each["outcome"] == "broken"]
    for each in derived["objectives"]:
        if not each["met"]:
            measured, limit = amount(each["measured"], each["unit"]), amount(each["limit"], each["unit"])
            found.append(f"{OBJECTIVES.get(each['objective'], each['objective'])}: {measured} against {limit}")
    if others := facts.environment.get("others_lost"):
        found.append(f"{plural(others, 'write')} of others went with the fault, and wait in the loss ledger: multiregion loss list")
    found += [f"In doubt: {doubt}" for doubt in derived["doubts"]]
    lead = "Measured by the drill. Causes, owners, due dates and the sign-off are for people to add; they never alter what is sealed."
    return section("deviations", "Deviations", lead, bullets(found or ["None."]))


def chronology(facts: Facts) -> str:
    rows: list[tuple[int, Sequence[str]]] = [(each["sent"], [escape(name(each)), escape(detail(each))]) for each in facts.events]
    rows.sort(key=lambda row: row[0])
    shown = [[f"+{at / 1_000_000:.3f} s", *cells] for at, cells in rows[:EVENTS_MAX]]
    decisions = [
        [
            escape(each["at"][11:23]),
            str(each["epoch"]),
            escape(each["state"]),
            escape(each["writer"] or "nobody"),
            escape(each["actor"]),
            escape(each["reason"]),
        ]
        for each in facts.authority
    ]
    columns = [("UTC", "k"), ("Epoch", "n"), ("State", "k"), ("Writer", "k"), ("Who", "k"), ("Why", "")]
    parts = [table([("After the start", "k"), ("Event", "k"), ("Detail", "")], shown)]
    if len(rows) > EVENTS_MAX:
        parts.append(f'<p class="lead">The first {EVENTS_MAX} of {len(rows):,} events; history.jsonl has all.</p>')
    if decisions:
        parts += ["<h3>Decisions, from the authority’s own history</h3>", table(columns, decisions)]
    return section("chronology", "Chronology", "", *parts)


def name(event: Row) -> str:
    return str(event["event"]).capitalize()


def detail(event: Row) -> str:
    words = [str(event[field]) for field in ("what", "part", "state") if event.get(field)]
    words += [f"epoch {event['epoch']}"] if event.get("epoch") else []
    words += [f"writer {event['writer']}"] if event.get("writer") else []
    words += [f"{key} {figure(value)}" for key, value in event.get("detail", {}).items() if isinstance(value, str | int | float)]
    took = event["done"] - event["sent"]
    return ", ".join([*words, f"took {time(took)}"] if took else words)


def figure(value: str | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def decided_by(facts: Facts) -> str:
    """Who took over, by what was recorded; nothing where nobody did."""
    if facts.header["scenario"] not in TAKES_OVER:
        return ""
    told = {each["event"] for each in facts.events if each["event"] == "operator" or each.get("what") == "failover"}
    return DECIDED["operator" if "operator" in told else "drill" if "ordered" in told else "automatic"]


def scope(facts: Facts) -> str:
    header, drill = facts.header, facts.plan.get("drill", {})
    conducts = [client["conduct"] for client in header["clients"]]
    counted = ", ".join(
        f"{conducts.count(each)} {words}"
        for each, words in (("follows", "following the state"), ("stale", "stale"), ("pinned", "pinned to a region"))
        if each in conducts
    )
    versions = facts.environment.get("versions", {})
    simple = {
        key.capitalize(): str(value)
        for key, value in facts.environment.items()
        if isinstance(value, str | int | float) and key not in ("wheel", "others_lost")
    }
    pairs = [
        ("Scenario", header["scenario"]),
        ("Reason", drill.get("reason", "")),
        ("Requested by", drill.get("requested_by", "")),
        ("Approved by", drill.get("approved_by", "")),
        ("Regions", ", ".join(f"{region} ({role})" for role, region in header["regions"].items())),
        ("Takeover", decided_by(facts)),
        ("Load", f"{header['rate']:g} operations a second, open loop, seed {header['seed']}"),
        ("Clients", counted),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("Wheel, SHA-256", str(facts.environment.get("wheel", ""))),
        *simple.items(),
    ]
    return section("scope", "Scope", "", definitions(pairs))


def evidence(facts: Facts, derived: Row, key: str, previous: str | None) -> str:
    counts, late = derived["measures"]["operations"], derived["measures"]["lateness"]
    total = sum(counts.values())
    pairs = [
        ("Operations", f"{total:,}: " + ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())),
        ("Driver’s own lateness", f"{time(late['p50'])} median, {time(late['p99'])} p99"),
        ("Plan, SHA-256", facts.header["plan"]),
        ("Seal of the run before", previous or "none: this is the first"),
        ("Public key", "".join(key.splitlines()[1:-1])),
        ("Public key, SHA-256", hashlib.sha256(key.encode()).hexdigest()),
    ]
    steps = (
        "<ol class='steps'><li>Compare the public key above with one that you had from elsewhere.</li>"
        "<li><code>python3 -I verify.py</code> in this folder, or with your own copy of it: checks every file, both seals and the chain of"
        " the history, and derives the verdict and every figure again.</li>"
        "<li><code>multiregion drill list</code> shows that no run is left out: runs are numbered before their result is known.</li></ol>"
    )
    return section(
        "evidence",
        "What this rests on",
        "",
        definitions(pairs),
        "<h3>Check it yourself</h3>",
        steps,
        "<h3>Limits</h3>",
        bullets(limits_of(facts)),
    )


def lacks(what: str | None) -> str:
    return f" <span class='lacks'>({what})</span>" if what else ""


def clauses(facts: Facts, derived: Row) -> str:
    columns = [("Evidence", ""), *((standard, "") for standard in STANDARDS)]
    lacking = {
        IDENTITY: "" if facts.plan.get("drill", {}).get("approved_by") else "no approver was named",
        RECOVERY: "" if derived["objectives"] else "no objective was set",
    }
    rows = [
        [
            f'<a href="#{each.part}">{escape(each.evidence)}</a>{lacks(lacking.get(each))}',
            *map(escape, (each.dora, each.soc2, each.iso, each.nist, each.pci)),
        ]
        for each in CLAUSES
    ]
    lead = "Which part of this report is evidence for which clause. Whether it is enough is for the reader to judge."
    return section("clauses", "Clauses", lead, table(columns, rows))
