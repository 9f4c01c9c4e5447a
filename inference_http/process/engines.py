"""Which engine makes the next worker: what a zygote is taught, when it is replaced, and who keeps the script's state.

The rules: libraries are imported ahead as the script's own variables were when they were seen first; a library that
cannot be forked is left to each worker; a zygote that ends is replaced. An engine that is not used for new workers any
more stays until the last of its workers has gone, because it is their parent.
"""

import functools
import logging
import selectors
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from inference_http.config.settings import Settings
from inference_http.process.control import Message, Task, Wire
from inference_http.process.engine import Engine, ForkEngine, SpawnEngine, can_fork
from inference_http.process.links import Links

LOSSES = 5  # zygotes that end by themselves before the server does
LESSONS = 3  # zygotes that were taught something that cannot be forked, before nothing is taught any more

logger = logging.getLogger("azmlinfsrv")


class Owner(Protocol):
    """What is asked of the supervisor."""

    def ask_again(self, engine: Engine) -> None:
        """Workers that were asked of this engine and are not forked yet will not come."""

    def roll(self) -> None:
        """Replace all workers."""

    def give_up(self, cause: str) -> None:
        """No worker can be made."""

    def ending(self) -> bool:
        """Whether the server ends anyway."""


class Engines:
    """The engines of one server. Everything happens in the supervisor's loop."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[socket.socket],
        selector: selectors.BaseSelector,
        owner: Owner,
        links: Links,
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._selector = selector
        self._owner = owner
        self._links = links
        self._learn = settings.preload_modules  # import ahead what workers were seen to import
        self._never = list(settings.never_preload)
        self._known: dict[str, None] = {}
        self._teaching = False
        self._roots: list[str] = []  # the user's folders
        self._losses = self._lessons = 0
        self._changing: set[str] = set()  # variables because of which a zygote was replaced, until they agree
        self._unsteady: set[str] = set()  # variables that are different each time
        self._whole = settings.preload  # WORKER_PRELOAD: script and state, as they are
        self._keeps = settings.reload  # ``__keep__``: the named values
        self.keeper: Engine | None = None
        self._keeper_of = 0  # the generation that a whole keeper has loaded
        self._retired: list[Engine] = []
        self._current = self._new()

    # --- Making workers ----------------------------------------------------------------------------------------------

    def next(self, generation: int, task: Task) -> Engine:
        """The engine to ask for the next worker."""
        if task.debug is not None:
            return self._current  # breakpoints in init() are hit where init() runs
        if self._whole and (self.keeper is None or self._keeper_of != generation):
            self._retire_keeper()
            self._keeper_of = generation
            self.keeper = self._hear(self._current.keeper(task.to_json(), whole=True))
            if self.keeper is None:
                self._whole = False
                logger.warning("WORKER_PRELOAD: each worker loads the script, as processes are not forked here")
        return self.keeper if self.keeper is not None and self.keeper.ready else self._current

    def outdated(self, report: Message) -> bool:
        """Whether the script's variables are others than those with which libraries were imported ahead.

        Libraries may have read the old ones at their import. If so there is a new zygote now: ask for the worker again.
        """
        told = self._current.environment
        said: dict[str, str | None] = report["environment"]
        if told is None:
            return False
        differing = {name for name in told.keys() | said.keys() if told.get(name) != said.get(name)} - self._unsteady
        if not differing:
            self._changing.clear()
            return False
        unsteady = differing & self._changing
        if unsteady:
            self._unsteady |= unsteady
            logger.warning("The script sets %s otherwise each time: libraries may keep an old value", _list(unsteady))
            return self.outdated(report)
        self._changing |= differing
        logger.info("Libraries are imported anew: the script changed the variables %s", _list(differing))
        self._replace()
        self._teach(list(self._known), said)
        return True

    def took_over(self, report: Message, task: Task, engine: Engine | None) -> None:
        """A worker of this engine serves: learn what to import ahead of the next, keep its state if it asks."""
        self._roots = report["roots"]
        if self._more_to_come():
            self._teach([name for name in report["modules"] if name not in self._known], report["environment"])
        if self._whole:
            return
        if not report["keep"] or not self._keeps:
            self._retire_keeper()
        elif self.keeper is None or (engine is self.keeper and report["kept"] is None):
            self._retire_keeper()
            self.keeper = self._hear(self._current.keeper(task.to_json(), whole=False))

    def learn(self, modules: Sequence[str]) -> None:
        """A worker that leaves had imported more, in run()."""
        if self._current.environment is not None:
            self._teach([name for name in modules if name not in self._known], self._current.environment)

    def renew(self) -> None:
        """Start over: libraries may have been upgraded."""
        self._known.clear()
        self._never = list(self._settings.never_preload)
        self._learn = self._settings.preload_modules
        self._keeps, self._whole = self._settings.reload, self._settings.preload
        self._replace()

    def _more_to_come(self) -> bool:
        settings = self._settings
        return settings.reload or settings.debug_port is not None or settings.worker_count > 1

    def _teach(self, modules: Sequence[str], environment: dict[str, str | None]) -> None:
        if not self._learn:
            return
        wanted = [name for name in modules if not _listed(name, self._never)]
        self._known.update(dict.fromkeys(wanted))
        if wanted:
            self._teaching = True
            self._current.preload(wanted, environment, self._roots)

    # --- What engines report (engine.Events) -------------------------------------------------------------------------

    def forked(self, engine: Engine, number: int, pid: int) -> None:
        """A worker has its process."""
        self._links.forked(engine, number, pid)

    def exited(self, pid: int, code: int) -> None:
        """A worker's process has ended."""
        self._links.exited(pid, code)

    def preloaded(self, engine: Engine, message: Message) -> None:
        """The zygote has learned."""
        if engine is self._current:
            self._teaching = False
        logger.debug("%d modules preloaded in %.2f s", message["count"], message["seconds"])

    def state_loaded(self, engine: Engine, message: Message) -> None:
        """A keeper has called init()."""
        if engine is self.keeper and message["names"]:
            logger.info("Reloads keep: %s", ", ".join(message["names"]))

    def engine_lost(self, engine: Engine, reason: str, suspects: list[str]) -> None:
        """Replace it, and leave alone what made it unsafe."""
        if self._owner.ending():
            return
        if engine is self.keeper:
            self._keeper_lost(engine, reason, for_good=bool(suspects))
        elif engine is self._current:
            self._losses += not suspects
            if self._losses > LOSSES:
                self._owner.give_up(reason)
                return
            self._leave_alone(reason, suspects)
            environment = engine.environment
            self._replace()
            if environment is not None:
                known, self._known = list(self._known), {}
                self._teach(known, environment)
        self._owner.ask_again(engine)

    def _leave_alone(self, reason: str, suspects: list[str]) -> None:
        self._lessons += bool(suspects)
        if self._lessons > LESSONS or (self._teaching and not suspects):
            self._learn = False
            logger.warning("Workers import their libraries themselves from now on: %s", reason)
        elif suspects:
            self._never += suspects
            logger.warning("Workers import %s themselves from now on: %s", _list(suspects), reason)
        else:
            logger.warning("Workers are forked from a new process: %s", reason)

    def _keeper_lost(self, engine: Engine, reason: str, *, for_good: bool) -> None:
        if self._whole:
            logger.warning("WORKER_PRELOAD: each worker loads the script from now on: %s", reason)
            self._whole = False
        else:
            logger.warning("Reloads keep no state%s: %s", " from now on" if for_good else "", reason)
            self._keeps = self._keeps and not for_good
        self.keeper = None
        self._retired.append(engine)

    # --- Their lives -------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Look for ended workers where no event tells."""
        for engine in self._all():
            engine.poll()

    def release(self, used: Collection[Engine]) -> None:
        """Close retired engines that no worker belongs to."""
        kept = {id(engine) for engine in used}
        for engine in [engine for engine in self._retired if id(engine) not in kept]:
            self._retired.remove(engine)
            self._close(engine)

    def close(self) -> None:
        """End all of them."""
        for engine in self._all():
            self._close(engine)

    def _all(self) -> list[Engine]:
        return [*([self.keeper] if self.keeper is not None else []), *self._retired, self._current]

    def _replace(self) -> None:
        self._retire_keeper()
        self._retired.append(self._current)
        self._teaching = False
        self._current = self._new()

    def _retire_keeper(self) -> None:
        if self.keeper is not None:
            self.keeper.forget()
            self._retired.append(self.keeper)
            self.keeper = None

    def _new(self) -> Engine:
        fork = can_fork() if self._settings.engine == "auto" else self._settings.engine == "fork"
        kind: Callable[..., Any] = ForkEngine if fork else SpawnEngine
        engine: Engine = kind(self._settings, self._sockets, self)
        self._hear(engine)
        return engine

    def _hear(self, engine: Engine | None) -> Engine | None:
        if engine is not None:
            for wire in engine.wires():
                self._selector.register(wire, selectors.EVENT_READ, functools.partial(self._readable, engine, wire))
        return engine

    def _readable(self, engine: Engine, wire: Wire) -> None:
        if not any(engine is known for known in self._all()):
            return  # closed in this round of the loop
        engine.readable(wire)
        if wire not in engine.wires() and wire.fileno() >= 0 and wire in self._selector.get_map():
            self._selector.unregister(wire)

    def _close(self, engine: Engine) -> None:
        for wire in engine.wires():
            self._selector.unregister(wire)
        engine.close()


def _listed(module: str, names: Sequence[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
