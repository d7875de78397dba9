"""The report: verdict first, nothing that runs, nothing from elsewhere, readable by everybody, in light, in dark and on paper."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from multiregion.drills.bundle import parsed
from multiregion.drills.charts import Axis
from multiregion.drills.clauses import CLAUSES, STANDARDS
from multiregion.drills.facts import Facts
from multiregion.drills.figures import amount, time
from multiregion.drills.report import SUMMARY_LINES, documents
from multiregion.drills.sections import decided_by
from multiregion.drills.verdict import derive
from tests.acceptance.browsing import RULES, chromium
from tests.drill_edits import enter, facts, items, keep, take

KEY = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
A4_PIXELS: Any = {"width": 700, "height": 990}


def rendered(found: Facts) -> dict[str, bytes]:
    return documents(found, derive(found), key=KEY, previous="ab" * 32)


def page(found: Facts) -> str:
    return rendered(found)["report.html"].decode()


def broken() -> Facts:
    found = facts()
    take(found, items(found, "add")[3]["id"])
    return found


def missed() -> Facts:
    found = facts()
    found.plan["objective"] = {"rto_write": "100ms", "rpo_writes": 0, "rto_sign_in": "1us"}
    return found


def inconclusive() -> Facts:
    found = facts()
    for row in found.operations[:60]:
        row["sent"] += 60_000
        row["told"] += 60_000
    return found


def paused() -> Facts:
    found = facts("planned")
    found.events.append({"i": 9, "event": "operator", "sent": 4_010_000, "done": 4_090_000})
    return found


KINDS = {"pass": facts, "promise broken": broken, "objective missed": missed, "inconclusive": inconclusive}


@pytest.mark.parametrize("verdict", KINDS)
def test_the_verdict_comes_first_in_all_three(verdict: str) -> None:
    found = rendered(KINDS[verdict]())
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", found["report.html"].decode(), flags=re.DOTALL)
    assert words.index(verdict.capitalize()) < words.index("Objectives") < words.index("Recovery") < words.index("What this rests on")
    assert found["summary.txt"].decode().splitlines()[1].startswith(verdict.upper())
    assert parsed(found["report.json"])["derived"]["verdict"] == verdict


def test_a_broken_promise_is_shown_with_its_smallest_witness() -> None:
    found = broken()
    id = next(row["witnesses"][0]["ids"][0] for row in derive(found)["rules"] if row["rule"] == "C1")
    html = page(found)
    assert f"C1 was broken: add {id} was acknowledged" in html
    assert f"C1 broken: add {id}" in html
    assert "Broken    C1 (1)" in rendered(found)["summary.txt"].decode()


def test_every_figure_is_there_with_its_objective_and_its_resolution() -> None:
    found = facts()
    derived = derive(found)
    html = page(found)
    rto = derived["measures"]["rto"]["write"]
    assert time(rto["microseconds"]) in html and f"± {time(rto['resolution'])}" in html
    for each in derived["objectives"]:
        assert amount(each["measured"], each["unit"]) in html and amount(each["limit"], each["unit"]) in html
    assert all(entry["id"] in html and entry["item"] in html for entry in found.ledger)
    assert "20 of 20 planted defects found" in html
    assert html.count('role="img"') == 3


def test_json_holds_what_was_derived_and_nothing_else() -> None:
    found = facts()
    report = parsed(rendered(found)["report.json"])
    assert report["derived"] == json.loads(json.dumps(derive(found)))
    assert report["run"] == 7 and report["previous"] == "ab" * 32


@pytest.mark.parametrize("make", [*KINDS.values(), paused])
def test_the_summary_fits_on_a_screen(make: Any) -> None:
    lines = rendered(make())["summary.txt"].decode().splitlines()
    assert 8 <= len(lines) <= SUMMARY_LINES
    assert lines[-1] == "Check it  python3 -I verify.py"


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_nothing_runs_and_nothing_comes_from_elsewhere() -> None:
    html = page(facts())
    seen = Seen()
    seen.feed(html)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
    assert [value for name, value in seen.attributes if name in ("src", "href") and not (value or "").startswith("#")] == []
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_what_clients_and_operators_wrote_stays_text() -> None:
    found = facts()
    evil = "<script>alert('&')</script>"
    found.plan["drill"] = {"title": evil, "reason": evil, "approved_by": evil}
    found.environment["versions"] = {evil: evil}
    found.authority[0]["reason"] = evil
    found.events.append({"i": 1, "event": "note", "sent": 1, "done": 1, "what": evil, "detail": {evil: evil}})
    keep(found, "add", evil)
    enter(found, "add", evil, region=evil, by=evil)
    html = page(found)
    assert "<script" not in html and "alert(&#x27;&amp;&#x27;)" in html


def test_it_never_says_that_anything_complies() -> None:
    html = page(facts())
    assert "compliant" not in html.lower() and "It does not say that anything complies" in html
    for clause in CLAUSES:
        assert f'href="#{clause.part}"' in html and f'id="{clause.part}"' in html
    assert all(standard in html for standard in STANDARDS)


def test_long_runs_stay_short() -> None:
    found = facts()
    for number in range(200):
        enter(found, "add", f"drill-7-0-z{number}")
        found.events.append({"i": 1, "event": "note", "sent": number, "done": number, "what": f"note {number}"})
    html = page(found)
    assert f"The first 50 of {len(found.ledger)}; ledger.json has all." in html
    assert f"The first 80 of {len(found.events)} events; history.jsonl has all." in html


def test_a_run_without_anything_is_still_a_report() -> None:
    found = facts()
    empty = Facts({}, found.header, [], [], {}, [], [])
    assert "Inconclusive" in page(empty)
    assert "not measured" in page(empty)


@pytest.fixture(scope="module")
def browser() -> Any:
    with chromium() as launched:
        yield launched


@pytest.mark.browser
@pytest.mark.parametrize("make", [facts, broken, paused])
def test_everybody_can_read_it(browser: Browser, tmp_path: Path, make: Any) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(make()), encoding="utf-8")
    shown = browser.new_page(bypass_csp=True)
    requests: list[str] = []
    shown.on("request", lambda request: requests.append(request.url))
    found = []
    for width, colours in ((1000, "light"), (1000, "dark"), (360, "light")):
        shown.set_viewport_size({"width": width, "height": 900})
        shown.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        shown.goto(path.as_uri())
        shown.evaluate(AXE.read_text(encoding="utf-8"))
        answer = shown.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
        assert answer["passes"]
        found += [f"{each['id']}, {colours} {width}: {[node['html'][:150] for node in each['nodes'][:3]]}" for each in answer["violations"]]
        if shown.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"wider than {width} pixels")
    shown.close()
    assert found == []
    assert set(requests) == {path.as_uri()}


@pytest.mark.browser
def test_it_prints_on_a4(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(facts()), encoding="utf-8")
    shown = browser.new_page(viewport=A4_PIXELS)
    shown.emulate_media(media="print", color_scheme="dark")
    shown.goto(path.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= A4_PIXELS["width"]
    assert shown.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    printed = shown.pdf(prefer_css_page_size=True)
    shown.close()
    sizes = {tuple(round(float(number)) for number in box.split()) for box in re.findall(rb"/MediaBox \[([^\]]+)\]", printed)}
    assert sizes == {(0, 0, 595, 842)} or sizes == {(0, 0, 596, 842)}
    assert 4 <= len(re.findall(rb"/Type /Page\b", printed)) <= 8


def test_the_axis_has_round_seconds_from_the_fault() -> None:
    """Whatever moment the run began at."""
    fault = 9_003_743
    assert Axis(fault - 1_000_000, fault + 2_100_000).ticks(fault) == [-1, -0.5, 0, 0.5, 1, 1.5, 2]
    assert Axis(0, 60_000_000).ticks(fault) == [0, 10, 20, 30, 40, 50]


def test_a_report_claims_no_evidence_that_it_does_not_have() -> None:
    found = facts()
    found.plan.pop("objective", None)
    found.plan["drill"] = {"scenario": "crash"}
    html = page(found)
    assert html.count("(no approver was named)") == 1 and html.count("(no objective was set)") == 1
    found.plan["drill"]["approved_by"], found.plan["objective"] = "approver", {"rto_write": "600s"}
    html = page(found)
    assert "(no approver was named)" not in html and "(no objective was set)" not in html


def test_whose_decision_the_takeover_was_is_said() -> None:
    """A drill that takes over by itself measures no time that people take."""
    found = facts()
    found.header["scenario"] = "crash"
    for event, words in (
        ("ordered", "is not in the RTO"),
        ("operator", "by an operator at another terminal"),
        ("none", "by automatic takeover"),
    ):
        found.events[:] = [{"i": 1, "event": event, "sent": 1, "done": 1, "what": "failover"}] if event != "none" else []
        assert words in decided_by(found)
    found.header["scenario"] = "planned"
    assert decided_by(found) == ""
