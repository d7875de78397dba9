"""Charts of a drill as inline SVG: colours by class, so that they follow the page into the dark and onto paper."""

import math
from html import escape

from multiregion.drills.facts import Facts, Row
from multiregion.drills.figures import CLOCKS, time
from multiregion.drills.measures import GROUPS, of_group
from multiregion.drills.oracle import following

SECOND = 1_000_000
WIDTH, LEFT, RIGHT = 760, 58, 10
PLOT = WIDTH - LEFT - RIGHT
LABEL = 56
"""Room for a word at a line."""
BINS_MAX = 240
MARKS_MAX = 4_000
LANES = (("write", "Writes"), ("read", "Reads"), ("sign_in", "Sign-ins"), ("object", "Uploads"))


def svg(height: float, title: str, description: str, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}. {escape(description)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"/>'


class Axis:
    """Microseconds to x."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, max(end, begin + 1)

    def __call__(self, at: float) -> float:
        return LEFT + PLOT * (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)

    def ticks(self, zero: int) -> list[float]:
        """Round numbers of seconds from `zero`."""
        begin, end = (self.begin - zero) / SECOND, (self.end - zero) / SECOND
        step = next((each for each in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300) if (end - begin) / each <= 10), 600)
        return [number * step for number in range(math.ceil(begin / step), math.floor(end / step) + 1)]

    def drawn(self, top: float, bottom: float, zero: int) -> list[str]:
        parts = []
        for seconds in self.ticks(zero):
            x = self(zero + seconds * SECOND)
            parts += [line(x, top, x, bottom, "grid"), text(x, bottom + 16, f"{seconds:g}", "tick", "middle")]
        return [*parts, text(WIDTH - RIGHT, bottom + 32, "seconds", "tick", "end")]


def waterfall(clocks: Row) -> str:
    """The four clocks, each from where the one before it stopped."""
    known = [(name, clocks[name]) for name in CLOCKS if clocks.get(name) is not None]
    if len(known) < 2:
        return ""
    start, end = known[0][1], max(at for _, at in known)
    left, right, row = 250, 80, 38
    scale = (WIDTH - left - right) / max(1, end - start)
    parts = []
    before = start
    for number, (name, at) in enumerate(known[1:]):
        y = 8 + number * row
        title, words = CLOCKS[name]
        begin, width = left + (min(before, at) - start) * scale, abs(at - before) * scale
        parts += [text(0, y + 13, title, "strong"), text(0, y + 28, words, "tick")]
        parts += [line(left, y + 12, left + (end - start) * scale, y + 12, "grid")]
        parts += [
            box(begin, y + 5, max(width, 2), 14, f"clock clock-{name}"),
            text(begin + width + 8, y + 16, f"+{time(at - start)}", "value"),
        ]
        before = max(before, at)
    bottom = 8 + (len(known) - 1) * row
    for begin, stop in clocks["pauses"]:
        width = (stop - begin) * scale
        parts += [text(0, bottom + 13, "Operator", "strong"), text(0, bottom + 28, "a person was waited for", "tick")]
        parts += [box(left + (begin - start) * scale, bottom + 5, width, 14, "pause")]
        parts += [text(left + (stop - start) * scale + 8, bottom + 16, time(stop - begin), "value")]
        bottom += row
    said = ", ".join(f"{CLOCKS[name][0].lower()} after {time(at - start)}" for name, at in known[1:])
    return svg(bottom + 4, "The four clocks of the takeover", said, parts)


def bins_of(facts: Facts, end: int) -> tuple[int, list[list[Row]]]:
    """Operations of clients that follow, by due time, in equal steps."""
    size = max(SECOND // 2, math.ceil(end / BINS_MAX))
    bins: list[list[Row]] = [[] for _ in range(end // size + 1)]
    for each in following(facts):
        bins[min(each["due"] // size, len(bins) - 1)].append(each)
    return size, bins


def through(facts: Facts, measures: Row) -> str:
    """Answers, failures and latency through the whole run, one above the other."""
    end = max((each["due"] for each in facts.operations), default=SECOND)
    size, bins = bins_of(facts, end)
    axis = Axis(0, end)
    start = measures["fault"] or 0
    parts = bands(facts, axis, 18, 318)
    parts += axis.drawn(18, 318, 0)
    parts += stacked(bins, size, axis, 18, 112, (("ok", "ok"),), "answered / s")
    parts += stacked(bins, size, axis, 136, 206, (("unknown", "unknown"), ("refused", "refused")), "failed / s")
    parts += latency(bins, size, axis, 230, 318)
    for name, at in (("fault", start), ("validated", measures["clocks"]["validated"])):
        if at:
            parts.append(line(axis(at), 18, axis(at), 318, f"moment moment-{name}"))
    counts = measures["operations"]
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return svg(354, "Answers, failures and latency through the run", f"{said}; the fault at {time(start)}", parts)


def bands(facts: Facts, axis: Axis, top: float, bottom: float) -> list[str]:
    """Phases, every other one shaded, with its name where there is room."""
    phases = sorted((each["sent"], each["what"]) for each in facts.events if each["event"] == "phase")
    parts = []
    for number, (at, name) in enumerate(phases):
        until = phases[number + 1][0] if number + 1 < len(phases) else axis.end
        if number % 2:
            parts.append(box(axis(at), top, axis(until) - axis(at), bottom - top, "band"))
        if axis(until) - axis(at) > 6.2 * len(str(name)):
            parts.append(text((axis(at) + axis(until)) / 2, top - 6, str(name), "tick", "middle"))
    return parts


def nice(value: float) -> float:
    """The next round number."""
    power: float = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power)


def stacked(
    bins: list[list[Row]], size: int, axis: Axis, top: float, bottom: float, kinds: tuple[tuple[str, str], ...], name: str
) -> list[str]:
    rates = [[sum(each["out"] == out for each in rows) * SECOND / size for out, _ in kinds] for rows in bins]
    most = nice(max((sum(rate) for rate in rates[:-1]), default=1) or 1)
    parts = [text(LEFT - 8, top + 4, f"{most:g}", "tick", "end"), text(LEFT - 8, bottom + 3, "0", "tick", "end")]
    parts += [text(0, (top + bottom) / 2 - 8, words, "tick") for words in (name.split(" / ")[0],)]
    parts += [text(0, (top + bottom) / 2 + 6, "a second", "tick"), line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")]
    for number, rate in enumerate(rates):
        floor = bottom
        x, width = axis(number * size), axis((number + 1) * size) - axis(number * size)
        for value, (_, kind) in zip(rate, kinds, strict=True):
            height = min(value / most, 1) * (bottom - top)
            if height:
                parts.append(box(x, floor - height, max(width - 0.6, 0.8), height, f"fill {kind}"))
                floor -= height
    return parts


def latency(bins: list[list[Row]], size: int, axis: Axis, top: float, bottom: float) -> list[str]:
    """On a logarithmic scale from 1 ms to 10 s; counted from when an operation was due."""

    def y(microseconds: float) -> float:
        return bottom - (bottom - top) * min(max(math.log10(max(microseconds, 1) / 1000), 0), 4) / 4

    parts = []
    for milliseconds, words in ((1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")):
        parts += [line(LEFT, y(milliseconds * 1000), WIDTH - RIGHT, y(milliseconds * 1000), "grid")]
        parts += [text(LEFT - 8, y(milliseconds * 1000) + 3, words, "tick", "end")]
    for share, kind in ((1.0, "slowest"), (0.5, "median")):
        path, drawn = "", False
        for number, rows in enumerate(bins):
            good = sorted(each["told"] - each["due"] for each in rows if each["out"] == "ok")
            if good:
                value = good[min(int(len(good) * share), len(good) - 1)]
                path += f"{'L' if drawn else 'M'}{axis((number + 0.5) * size):.1f} {y(value):.1f}"
            drawn = bool(good)
        parts.append(f'<path class="curve {kind}" d="{path}"/>')
    return parts


def strip(facts: Facts, measures: Row) -> str:
    """Every operation around the fault, from when it was due to when it was answered, by kind of service and by outcome."""
    start, clocks = measures["fault"], measures["clocks"]
    if start is None:
        return ""
    ends = [rto["end"] for rto in measures["rto"].values() if rto.get("end")]
    until = max([start + SECOND, *ends]) + SECOND
    axis = Axis(max(0, start - SECOND), until)
    bottom = 22 + 46 * len(LANES)
    parts = axis.drawn(22, bottom, start)
    for name in ("fault", "decided", "validated"):
        if clocks[name] is not None and axis.begin <= clocks[name] <= axis.end:
            x = axis(clocks[name])
            parts.append(line(x, 16, x, bottom, f"moment moment-{name}"))
            if name != "decided" or x - axis(start) > LABEL:
                left = name != "validated" or x > WIDTH - RIGHT - LABEL
                parts.append(text(x + (-4 if left else 4), 14, CLOCKS[name][0].lower(), "tick", "end" if left else "start"))
    drawn = 0
    for lane, (group, title) in enumerate(LANES):
        top = 26 + 46 * lane
        parts.append(text(0, top + 22, title, "strong"))
        rto = measures["rto"][group]
        if rto.get("begin") is not None:
            stop = rto["end"] if rto["end"] is not None else until
            parts.append(box(axis(rto["begin"]), top, axis(stop) - axis(rto["begin"]), 38, "outage"))
        shown = [each for each in of_group(facts, group) if axis.begin <= each["due"] <= axis.end][: MARKS_MAX - drawn]
        drawn += len(shown)
        parts += [mark_of(each, axis, top + 5 + 28 * ((number * 5) % 8) / 7) for number, each in enumerate(shown)]
    said = "; ".join(f"{title.lower()} {time(measures['rto'][group].get('microseconds'))}" for group, title in LANES if group in GROUPS)
    return svg(bottom + 38, "Every operation around the fault", f"Time without service: {said}", parts)


def mark_of(each: Row, axis: Axis, y: float) -> str:
    """A dot for an answer, a ring for a refusal, a cross for silence; a line as long as it took."""
    x, end = axis(each["due"]), axis(each["told"])
    took = f'<path class="took" d="M{x:.1f} {y:.1f}H{end:.1f}"/>' if end - x > 3 else ""
    if each["out"] == "ok":
        return took + f'<circle class="fill ok" cx="{x:.1f}" cy="{y:.1f}" r="1.5"/>'
    if each["out"] == "refused":
        return took + f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="2.4"/>'
    return took + f'<path class="cross" d="M{x - 2.3:.1f} {y - 2.3:.1f}l4.6 4.6m0-4.6l-4.6 4.6"/>'
