"""What operators ask of a region itself: its report and how its lag was, for when the authority cannot be asked."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.authentication import Authenticate
from multiregion.api.problems import JSON, Handler
from multiregion.lag_history import Sample
from multiregion.status import Status


class ObservationAPI:
    def __init__(
        self,
        status: Status,
        samples: Callable[[], Sequence[Sample]],
        authenticate: Authenticate,
    ) -> None:
        self._status = status
        self._samples = samples
        self._authenticate = authenticate

    def routes(self) -> list[Route]:
        return [
            Route("/operator/report", self._operators(self.report), methods=["GET"]),
            Route("/operator/lag", self._operators(self.lag), methods=["GET"]),
        ]

    def _operators(self, handler: Handler) -> Handler:
        async def check(request: Request) -> Response:
            await self._authenticate.operator(request)
            return await handler(request)

        check.__name__ = handler.__name__
        return check

    async def report(self, request: Request) -> Response:
        return JSON(await self._status())

    async def lag(self, request: Request) -> Response:
        """The last minutes, oldest first: when, seconds, changes, bytes; null where it was unknown."""
        lags = [(round(each.at, 1), each.lag.seconds, each.lag.changes, each.lag.bytes) for each in self._samples()]
        return JSON({"samples": lags})
