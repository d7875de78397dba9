"""`GET /comments` and `POST /comments`, signed in: requests a second and how long they take, beside moto's DynamoDB and bare SQLite."""

from collections.abc import Iterator

from benchmarks import dynamodb, sqlite_limit
from benchmarks.clients import load
from benchmarks.figures import Beside, Row, at_least, at_most, percentile
from benchmarks.load import NUMBER, Order, Outcome
from benchmarks.stage import COMMENT, Stage

CONNECTIONS = 32
PEER_SECONDS = 3.0
CLIENT_SHARE_MAX = 0.8


def measured(stage: Stage, order: Order) -> tuple[Outcome, str]:
    """What came of it, and whose limit it was: where other work goes on, the region has only a part of a core.
    Raises RuntimeError if anything but good answers came."""
    before = stage.cpu_seconds("primary")
    outcome = load(order)
    used = stage.cpu_seconds("primary") - before
    if outcome.unanswered or set(outcome.statuses) - {200, 201}:
        raise RuntimeError(f"{order.method} {order.path}: {outcome.statuses}, {outcome.unanswered} without an answer")
    region = used / (outcome.seconds + order.warm_up_seconds)
    limit = ", the client was the limit" if outcome.client_share > CLIENT_SHARE_MAX else ""
    whole = f"{outcome.per_second / region:,.0f} with a whole core" if region else ""
    return outcome, f"region {region:.0%} of a core ({whole}), client {outcome.client_share:.0%}{limit}"


def milliseconds(outcome: Outcome, percent: float) -> float:
    return percentile(outcome.latencies, percent) * 1000


def reads(stage: Stage) -> Iterator[Row]:
    photo_id = stage.photo(comments=10)
    order = Order(stage.port("primary"), "GET", f"/comments/{photo_id}", stage.user, CONNECTIONS, stage.seconds(10), warm_up_seconds=0.5)
    outcome, note = measured(stage, order)
    for number in range(10):
        stage.dynamodb.call("PutItem", dynamodb.item("p", str(number), COMMENT))
    peer = load(stage.dynamodb.asking("Query", dynamodb.query("p"), connections=CONNECTIONS, seconds=stage.seconds(PEER_SECONDS)))
    name = "moto DynamoDB Query"
    what = f"GET /comments of 10, {CONNECTIONS} connections"
    yield Row(what, outcome.per_second, "requests/s", at_least(10_000), Beside(name, peer.per_second), note)
    yield Row(f"{what}, p50", milliseconds(outcome, 50), "ms", None, Beside(name, milliseconds(peer, 50)))
    yield Row(f"{what}, p99", milliseconds(outcome, 99), "ms", at_most(10), Beside(name, milliseconds(peer, 99)))


def writes(stage: Stage) -> Iterator[Row]:
    seconds, file = stage.seconds(10), stage.scratch / "limit.db"
    outcome, note = measured(stage, stage.commenting(stage.photo(), connections=CONNECTIONS, seconds=seconds, warm_up_seconds=0.5))
    stage.level()
    item = dynamodb.item("p", NUMBER.decode(), COMMENT)
    peer = load(stage.dynamodb.asking("PutItem", item, connections=CONNECTIONS, seconds=stage.seconds(PEER_SECONDS)))
    limit = sqlite_limit.rows_per_second(file, rows=CONNECTIONS, seconds=stage.seconds(2))
    what = f"POST /comments, {CONNECTIONS} connections"
    yield Row(what, outcome.per_second, "requests/s", at_least(5_000), Beside("moto DynamoDB PutItem", peer.per_second), note)
    yield Row(what, outcome.per_second, "requests/s", None, Beside("bare SQLite, 32 rows a commit (limit)", limit))
    yield Row(f"{what}, p50", milliseconds(outcome, 50), "ms", at_most(10), Beside("moto DynamoDB PutItem", milliseconds(peer, 50)))
    yield Row(f"{what}, p99", milliseconds(outcome, 99), "ms", None, Beside("moto DynamoDB PutItem", milliseconds(peer, 99)))
    yield from one_by_one(stage)


def one_by_one(stage: Stage) -> Iterator[Row]:
    order = stage.commenting(stage.photo(), connections=1, seconds=stage.seconds(5), warm_up_seconds=0.5)
    outcome, note = measured(stage, order)
    stage.level()
    alone = sqlite_limit.commit_seconds(stage.scratch / "limit.db", rows=1, seconds=stage.seconds(2))
    limit = Beside("bare SQLite, 1 row a commit (limit)", percentile(alone, 50) * 1000)
    yield Row("POST /comments, 1 connection, p50", milliseconds(outcome, 50), "ms", at_most(1), limit, note)
