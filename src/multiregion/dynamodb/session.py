"""The engines' clients, and the threads that call them: bounded in number, in what waits, and in time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from multiregion.config import EnginesConfig
from multiregion.dynamodb.errors import meaning
from multiregion.errors import Overloaded

THREADS = 32
WAITING_MAX = 512
CONNECT_SECONDS = 2.0
ATTEMPTS = 3


class Engines:
    """One region's clients. `transactions` repeats nothing by itself: what a repetition means is decided where it is known."""

    def __init__(self, config: EnginesConfig, *, call_seconds: float = 5.0, session: Any = None) -> None:
        """`session`: a boto3 session to take the credentials from; None makes one, which finds them as any AWS program does."""
        session = session or boto3.session.Session(region_name=config.region)
        self.config = config
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="engine")
        self._waiting = 0

        def client(service: str, endpoint: str | None, attempts: int = ATTEMPTS, **more: Any) -> Any:
            settings = Config(
                connect_timeout=min(CONNECT_SECONDS, call_seconds),
                read_timeout=call_seconds,
                max_pool_connections=THREADS,
                retries={"total_max_attempts": attempts, "mode": "standard"},
                **more,
            )
            return session.client(service, config.region, endpoint_url=endpoint, config=settings)

        self.dynamodb = client("dynamodb", config.dynamodb_endpoint)
        self.transactions = client("dynamodb", config.dynamodb_endpoint, attempts=1)
        # Presigned addresses must name the region, or a new bucket's answer is a redirection that a browser may not follow.
        style = {"addressing_style": "path" if config.s3_endpoint else "virtual"}
        regional = config.s3_endpoint or f"https://s3.{config.region}.{suffix(config.region)}"
        self.s3 = client("s3", regional, signature_version="s3v4", s3=style)
        self.signer = client("s3", config.s3_public_endpoint or regional, signature_version="s3v4", s3=style)

    async def call(self, function: Callable[..., Any], /, *positional: Any, **arguments: Any) -> Any:
        """Call a client's method in a thread. Raises what the engine's error means, Overloaded if too many calls wait."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"more than {WAITING_MAX} calls to the engines are waiting; try again in a moment")
        running = asyncio.get_running_loop().run_in_executor(self._pool, partial(function, *positional, **arguments))
        self._waiting += 1
        running.add_done_callback(self._done)
        try:
            return await running
        except (BotoCoreError, ClientError) as error:
            raise meaning(error) from error

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """An operation of DynamoDB. Raises as `call` does."""
        client = self.transactions if operation == "transact_write_items" else self.dynamodb
        return await self.call(getattr(client, operation), **arguments)

    def _done(self, finished: "asyncio.Future[Any]") -> None:
        self._waiting -= 1

    def close(self) -> None:
        """Drop what waits; a call that is under way ends by its own time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
