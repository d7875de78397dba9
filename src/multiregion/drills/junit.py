"""The result of a run as JUnit XML, which every pipeline shows: one case for each rule and each objective. Pure."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as xml

from multiregion.drills.oracle import INCONCLUSIVE


def junit(name: str, derived: Mapping[str, Any], seconds: float) -> bytes:
    """Broken rules and missed objectives are failures, what was not judged is skipped, and an inconclusive run is an error."""
    suite = xml.Element("testsuite", name=name, time=f"{seconds:.1f}")
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for rule in derived["rules"]:
        case = xml.SubElement(suite, "testcase", classname=name, name=f"{rule['rule']} {rule['promise']}")
        if rule["outcome"] == "broken":
            counts["failures"] += 1
            texts = [witness["text"] for witness in rule["witnesses"]]
            xml.SubElement(case, "failure", message=texts[0] if texts else "broken").text = "\n".join(texts)
        elif rule["outcome"] == "not judged":
            counts["skipped"] += 1
            xml.SubElement(case, "skipped", message=rule["text"])
    for objective in derived["objectives"]:
        case = xml.SubElement(suite, "testcase", classname=name, name=f"objective {objective['objective']}")
        if not objective["met"]:
            counts["failures"] += 1
            xml.SubElement(case, "failure", message=f"measured {objective['measured']}, the limit is {objective['limit']}")
    case = xml.SubElement(suite, "testcase", classname=name, name="the run says something")
    if derived["verdict"] == INCONCLUSIVE:
        counts["errors"] += 1
        xml.SubElement(case, "error", message="; ".join(derived["doubts"]))
    suite.set("tests", str(len(suite)))
    for kind, count in counts.items():
        suite.set(kind, str(count))
    content: bytes = xml.tostring(suite, encoding="utf-8", xml_declaration=True)
    return content
