"""All that is derived from the facts of a run, as one JSON document: what a report shows, and what a verifier derives again. Pure."""

from collections.abc import Sequence
from dataclasses import asdict

from multiregion.drills.corruptions import DEFECTS, Defect, self_check
from multiregion.drills.facts import Facts, Row
from multiregion.drills.measures import measure, objectives
from multiregion.drills.oracle import check, doubts, verdict


def derive(facts: Facts, defects: Sequence[Defect] = DEFECTS) -> Row:
    """JSON values only, so that it equals what is read back from a file."""
    findings, measures, checked = check(facts), measure(facts), self_check(facts, defects)
    judged = objectives(facts, measures)
    unsure = doubts(facts)
    blind = [each["defect"] for each in checked if not each["noticed"]]
    if blind and not unsure:  # of a run that is in doubt already, parts are missing
        unsure.append(f"the checker did not notice a planted defect: {'; '.join(blind)}")
    return {
        "verdict": verdict(findings, unsure, [each for each in judged if not each["met"]]),
        "rules": [
            {
                **asdict(finding),
                "witnesses": [{**asdict(each), "ids": list(each.ids), "lines": list(each.lines)} for each in finding.witnesses],
            }
            for finding in findings
        ],
        "doubts": unsure,
        "objectives": judged,
        "measures": measures,
        "self_check": checked,
    }
