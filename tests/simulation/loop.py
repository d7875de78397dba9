"""An event loop that owns time and knows processes: when nothing is left to do now, its clock jumps to the next timer.

Whatever is called later belongs to the process that asked for it. What belongs to a frozen process waits until it is thawed;
what belongs to a dead one waits for ever.
"""

import asyncio
import heapq
import itertools
import sys
from asyncio import _set_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context, ContextVar
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
DISK_SECONDS_MAX = 0.004
STEPS_TO_END_MAX = 100_000


class Process:
    """One run of an operating system's process, from its start to its death."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen = False
        self.dead = False
        self.parked: list[asyncio.Handle] = []

    def context(self) -> Context:
        """What is called in here belongs to this process."""
        context = Context()
        context.run(PROCESS.set, self)
        return context


PROCESS: ContextVar[Process | None] = ContextVar("PROCESS", default=None)
OUTSIDE = Context()
"""What is called in here belongs to no process: the network, the faults, the observer."""


class VirtualTask(asyncio.Task[Any]):
    """Has a hash of its own: sets of tasks are walked through, and addresses differ from run to run."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, context: Context | None) -> None:
        self.number = number
        super().__init__(coroutine, loop=loop, context=context)

    def __hash__(self) -> int:
        return self.number


class VirtualFuture(asyncio.Future[Any]):
    """Has a hash of its own, like a VirtualTask."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.AbstractEventLoop):
    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._numbers = itertools.count(1)
        self._ready: deque[tuple[asyncio.Handle, Process | None]] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process | None]] = []
        self._tasks: list[VirtualTask] = []  # nothing may be collected, and so be ended, while the simulation runs
        self._processes: list[Process] = []
        self._failure: BaseException | None = None

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end. Raises what it raises, or what `fail` was told."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._finalize)
        _set_running_loop(self)
        try:
            task = self.create_task(main, context=OUTSIDE.copy())
            while not task.done() and self._failure is None:
                self._step()
            if self._failure is not None:
                raise self._failure
            result: T = task.result()
            return result
        finally:
            self._end()
            _set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def fail(self, failure: BaseException) -> None:
        """End the run with the first failure there was, whoever would have caught it."""
        self._failure = self._failure or failure

    def start(self, name: str) -> Process:
        process = Process(name)
        self._processes.append(process)
        return process

    def thaw(self, process: Process) -> None:
        process.frozen = False
        parked, process.parked = process.parked, []
        self._ready.extend((handle, process) for handle in parked)

    def _step(self) -> None:
        if not self._ready:
            if not self._timers:
                raise RuntimeError("everything waits for something that will never be")
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, timer, process = heapq.heappop(self._timers)
            self._ready.append((timer, process))
        handle, process = self._ready.popleft()
        if handle.cancelled():
            return
        if process is not None and (process.frozen or process.dead):
            process.parked.append(handle)
        else:
            handle._run()

    def _end(self) -> None:
        """Let every task end, those of dead processes too, so that none is left to the garbage collector."""
        for task in self._tasks:
            task.cancel()
        for process in self._processes:
            process.dead = False
            self.thaw(process)
        for _ in range(STEPS_TO_END_MAX):
            if not (self._ready or self._timers) or all(task.done() for task in self._tasks):
                break
            self._step()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.call_soon(self.create_task, generator.aclose())

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        process = PROCESS.get() if context is None else context.get(PROCESS)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append((handle, process))
        return handle

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        process = PROCESS.get() if context is None else context.get(PROCESS)
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle, process))
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Left where it is, and not run when its time comes."""

    def create_future(self) -> VirtualFuture:
        return VirtualFuture(next(self._numbers), self)

    def create_task(self, coroutine: Coroutine[Any, Any, Any], *, name: object = None, context: Context | None = None) -> VirtualTask:  # type: ignore[override]
        task = VirtualTask(next(self._numbers), coroutine, self, context)
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: object, work: Callable[..., Any], *args: Any) -> VirtualFuture:  # type: ignore[override]
        """In this thread, after the time that a disk takes."""
        done = self.create_future()
        self.call_later(self._random.uniform(0, DISK_SECONDS_MAX), complete, done, work, args)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.fail(context.get("exception") or RuntimeError(context["message"]))


def complete(done: VirtualFuture, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if done.done():
        return
    try:
        result = work(*arguments)
    except Exception as error:  # noqa: BLE001  whatever it raises goes to who asked for it
        done.set_exception(error)
    else:
        done.set_result(result)
