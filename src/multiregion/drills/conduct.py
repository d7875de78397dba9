"""The rules about what clients were told on the way: one writer at a time, no stale reads, sign-in, reads throughout. Pure."""

from collections import defaultdict
from collections.abc import Iterator

from multiregion.drills.facts import ROLES, Row
from multiregion.drills.index import WRITES, Index, Witness, kind_of

SECOND = 1_000_000
WRONG_PASSWORD = "NotAuthorizedException"  # noqa: S105  (the code of the answer to one)


def acknowledged_writes(index: Index) -> Iterator[Row]:
    """With the epoch and the region that acknowledged them."""
    for each in index.facts.operations:
        if each["out"] == "ok" and each.get("epoch") and each.get("region") and kind_of(each) in WRITES:
            yield each


def one_writer(index: Index) -> Iterator[Witness]:
    """C5: at one epoch one region acknowledges writes, and the epochs that a region tells never fall."""
    first: dict[int, Row] = {}
    for each in acknowledged_writes(index):
        before = first.setdefault(each["epoch"], each)
        if before["region"] != each["region"]:
            text = f"at epoch {each['epoch']} both {before['region']} and {each['region']} acknowledged a write"
            yield Witness(text, (before["id"], each["id"]), (before["i"], each["i"]))
    told: dict[str, list[Row]] = defaultdict(list)
    for each in index.facts.operations:
        if each.get("epoch") and each.get("region"):
            told[each["region"]].append(each)
    for region, answers in told.items():
        yield from falling(region, answers)


def falling(region: str, answers: list[Row]) -> Iterator[Witness]:
    """An answer at a lower epoch than one that had been told before it was even asked for."""
    by_told = sorted(answers, key=lambda each: each["told"])
    highest: Row | None = None
    heard = 0
    for each in sorted(answers, key=lambda each: each["sent"]):
        while by_told[heard]["told"] < each["sent"]:
            if highest is None or by_told[heard]["epoch"] > highest["epoch"]:
                highest = by_told[heard]
            heard += 1
        if highest is not None and each["epoch"] < highest["epoch"]:
            text = f"{region} told epoch {highest['epoch']}, and {each['epoch']} afterwards"
            yield Witness(text, (highest["id"], each["id"]), (highest["i"], each["i"]))


def no_zombie(index: Index) -> Iterator[Witness]:
    """C6: once the new writer has acknowledged a write, the old one acknowledges none that is sent afterwards."""
    first: dict[tuple[str, int], Row] = {}
    for each in acknowledged_writes(index):
        key = (each["region"], each["epoch"])
        if key not in first or each["told"] < first[key]["told"]:
            first[key] = each
    for each in acknowledged_writes(index):
        for (region, epoch), new in first.items():
            if region != each["region"] and epoch > each["epoch"] and each["sent"] > new["told"]:
                text = f"{each['region']} acknowledged a write at epoch {each['epoch']} after {region} had at epoch {epoch}"
                yield Witness(text, (new["id"], each["id"]), (new["i"], each["i"]))


def no_stale_read(index: Index) -> Iterator[Witness]:
    """C10: to a client that sends its position, a register never goes back, except over versions that are in the ledger."""
    seen: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for each in index.facts.operations:
        known = each["out"] == "ok" and each.get("key") and each.get("value") is not None
        if known and (kind_of(each) == "replace" or (each["k"] == "read" and each.get("asked"))):
            seen[each["c"], each["key"]].append(each)
    for (_, key), answers in seen.items():
        answers.sort(key=lambda each: each["told"])
        newest: list[Row] = []
        for each in answers:
            newest.append(each if not newest or each["value"] >= newest[-1]["value"] else newest[-1])
        for number, each in enumerate(answers):
            if each["k"] == "read" and (before := told_before(answers, newest, number)) and went_back(index, key, each, before):
                text = f"register {key} was seen at version {before['value']}, and at {each['value']} afterwards"
                yield Witness(text, (key,), (before["i"], each["i"]))


def told_before(answers: list[Row], newest: list[Row], number: int) -> Row | None:
    """The newest of the answers that had been told when this one was asked for."""
    for earlier in range(number - 1, -1, -1):
        if answers[earlier]["told"] < answers[number]["sent"]:
            return newest[earlier]
    return None


def went_back(index: Index, key: str, each: Row, before: Row) -> bool:
    if each["value"] >= before["value"]:
        return False
    versions = index.versions.get(("replace", key), {})
    if versions.get(each["value"]) == "unknown":
        return False
    gone = [version for version, fate in versions.items() if each["value"] < version <= before["value"] and fate == "ok"]
    return not gone or any(not index.entries(("replace", key, version)) for version in gone)


def sign_in_survives(index: Index) -> Iterator[Witness]:
    """C11: sessions from before are good after; each user has one password, the newest that was not lost."""
    for role in index.roles():
        for (kind, id), item in index.items[role].items():
            if kind == "session" and not item.get("good") and ("session", id, None) not in index.listed:
                yield Witness(f"session {id} from before is not good in the {role} region", (id,))
            elif kind == "password" and len(item.get("accepts") or ()) != 1:
                accepted = ", ".join(map(str, item.get("accepts") or ())) or "none"
                yield Witness(f"{id} can sign in with versions {accepted} of the password in the {role} region", (id,))
    changes: dict[str, list[Row]] = defaultdict(list)
    for each in index.facts.operations:
        if kind_of(each) == "password" and each["out"] != "refused":
            changes[each["key"]].append(each)
    for each in index.facts.operations:
        if each["k"] == "sign_in" and each.get("value") is not None:
            yield from wrong_sign_in(index, each, changes[each["key"]])
        elif each["k"] == "session" and each["out"] == "refused" and each.get("code") == WRONG_PASSWORD:
            session = each.get("key") or each["id"]
            if ("session", session, None) not in index.listed:
                yield Witness(f"session {session} was refused", (each["id"],), (each["i"],))


def wrong_sign_in(index: Index, each: Row, changes: list[Row]) -> Iterator[Witness]:
    """Only changes that the region which answers must know: its own, and those of an earlier epoch."""
    user, version = each["key"], each["value"]
    known = [
        change
        for change in changes
        if change["out"] == "ok"
        and change["told"] < each["sent"]
        and (change.get("region") == each.get("region") or (change.get("epoch") or 0) < (each.get("epoch") or 0))
        and not index.entries(("password", user, change["value"]))
    ]
    newest = max(known, key=lambda change: change["value"], default=None)
    if newest is None:
        return
    if each["out"] == "ok" and version < newest["value"] and index.versions["password", user].get(version) != "unknown":
        text = f"{user} signed in with version {version} of the password after {newest['value']} was acknowledged"
        yield Witness(text, (each["id"],), (newest["i"], each["i"]))
    wrong = each["out"] == "refused" and each.get("code") == WRONG_PASSWORD and version == newest["value"]
    if wrong and not any(
        change["value"] != version and change["told"] >= newest["sent"] and change["sent"] < each["told"] for change in changes
    ):
        text = f"{user} could not sign in with version {version} of the password, which had been acknowledged"
        yield Witness(text, (each["id"],), (newest["i"], each["i"]))


def reads_throughout(index: Index) -> Iterator[Witness]:
    """C12: in every second some region answers reads. Only seconds in which both were asked can show that neither does."""
    seconds: dict[int, list[Row]] = defaultdict(list)
    for each in index.facts.operations:
        if each["k"] == "read":
            seconds[each["due"] // SECOND].append(each)
    for second, reads in sorted(seconds.items()):
        asked = {role for each in reads for role in (each["to"], *each.get("tried", ()))}
        if asked.issuperset(ROLES) and not any(each["out"] == "ok" for each in reads):
            text = f"no region answered any of {len(reads)} reads that were due in second {second}"
            yield Witness(text, (reads[0]["id"],), tuple(each["i"] for each in reads[:2]))
