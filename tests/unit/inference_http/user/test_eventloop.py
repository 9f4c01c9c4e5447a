import asyncio
import contextvars
import os
import signal
import sys
import threading
import time

import pytest

from inference_http.scoring import interrupt
from inference_http.user import eventloop
from inference_http.user.errors import ScoringTimeout

LONG_S = 30.0


@pytest.fixture(autouse=True)
def _closed():
    yield
    eventloop.close()


def strike(begun=None):
    """Raise ScoringTimeout in this thread, as the deadline does: in a while, or a while after the event."""
    interrupt.listen()
    thread_id = threading.get_ident()

    def raise_there():
        if begun is not None:
            begun.wait(LONG_S)
        time.sleep(0.05)
        interruption = interrupt.Interruption(thread_id)
        again = interruption.send()
        while again:
            time.sleep(interrupt.REPEAT_S)
            again = interruption.repeat()

    threading.Thread(target=raise_there, daemon=True).start()


def timed_out(coroutine):
    begun = threading.Event()

    async def begin():
        begun.set()
        return await coroutine

    started = time.monotonic()
    strike(begun)
    with pytest.raises(ScoringTimeout):
        eventloop.wait_for(begin())
    return time.monotonic() - started


async def value(what):
    await asyncio.sleep(0)
    return what


def test_result_comes_back():
    assert eventloop.wait_for(value(5)) == 5


def test_error_comes_back_with_its_own_frames():
    async def bad():
        await asyncio.sleep(0)
        raise ValueError("own")

    with pytest.raises(ValueError, match="own") as caught:
        eventloop.wait_for(bad())
    assert caught.traceback[-1].name == "bad"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_would_end_a_loop_is_the_callers_error_and_the_loop_goes_on(error):
    async def bad():
        raise error

    with pytest.raises(error):
        eventloop.wait_for(bad())
    assert eventloop.wait_for(value(1)) == 1


def test_any_awaitable_is_waited_for():
    class Later:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return 3

    assert eventloop.wait_for(Later()) == 3


def test_context_of_the_caller_is_seen():
    name = contextvars.ContextVar("name")
    name.set("request 1")

    async def look():
        return name.get()

    assert eventloop.wait_for(look()) == "request 1"


def test_one_loop_for_all_calls_and_threads():
    async def loop():
        return asyncio.get_running_loop(), threading.get_ident()

    found = [eventloop.wait_for(loop())]
    thread = threading.Thread(target=lambda: found.append(eventloop.wait_for(loop())))
    thread.start()
    thread.join()
    assert found[0] == found[1]
    assert found[0][1] != threading.get_ident()


def test_calls_of_several_threads_run_at_once():
    async def meet(barrier, other):
        barrier.set()
        await asyncio.wait_for(other.wait(), LONG_S)
        return True

    async def event():
        return asyncio.Event()

    one, two = eventloop.wait_for(event()), eventloop.wait_for(event())
    results = []
    thread = threading.Thread(target=lambda: results.append(eventloop.wait_for(meet(one, two))))
    thread.start()
    results.append(eventloop.wait_for(meet(two, one)))
    thread.join()
    assert results == [True, True]


def test_background_tasks_go_on_between_calls():
    done = threading.Event()

    async def begin():
        async def later():
            await asyncio.sleep(0.05)
            done.set()

        return asyncio.create_task(later())

    task = eventloop.wait_for(begin())
    assert done.wait(LONG_S)
    assert task is not None


def test_code_on_the_loop_cannot_wait_for_itself():
    async def nested():
        return eventloop.wait_for(value(1))

    with pytest.raises(RuntimeError, match="use await"):
        eventloop.wait_for(nested())


# --- ScoringTimeout --------------------------------------------------------------------------------------------------


def test_timeout_cancels_and_waits_for_the_clean_up():
    cleaned = []

    async def slow():
        try:
            await asyncio.sleep(LONG_S)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    assert timed_out(slow()) < LONG_S / 2
    assert cleaned == [True]


def test_timeout_waits_for_a_task_that_swallows_the_cancellation():
    async def stubborn():
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            await asyncio.sleep(0.3)
            return "late"

    assert 0.3 < timed_out(stubborn()) < LONG_S / 2
    assert eventloop.wait_for(value(1)) == 1


def test_timeout_ends_code_that_blocks_the_loop():
    async def spin():
        while True:
            pass

    assert timed_out(spin()) < LONG_S / 2
    assert eventloop.wait_for(value(1)) == 1


def test_timeout_before_the_first_step_cancels_the_task_and_not_what_blocks_the_loop():
    """Two requests at once: the limit of the one that waits behind the other must not end the other."""
    blocking, release, results = threading.Event(), threading.Event(), []

    async def block():
        blocking.set()
        while not release.is_set():
            pass
        return "done"

    async def never():
        results.append("begun")

    thread = threading.Thread(target=lambda: results.append(eventloop.wait_for(block())))
    thread.start()
    assert blocking.wait(LONG_S)
    threading.Timer(0.4, release.set).start()
    assert 0.3 < timed_out_unbegun(never()) < LONG_S / 2
    thread.join()
    assert results == ["done"]


def timed_out_unbegun(coroutine):
    started = time.monotonic()
    strike()
    with pytest.raises(ScoringTimeout):
        eventloop.wait_for(coroutine)
    return time.monotonic() - started


def test_timeout_of_another_thread_is_noticed():
    raised = []

    def wait():
        strike()
        try:
            eventloop.wait_for(asyncio.sleep(LONG_S))
        except ScoringTimeout as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(LONG_S / 2)
    assert len(raised) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_cancels_too():
    cancelled = []

    async def slow():
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        eventloop.wait_for(slow())
    assert cancelled == [True]


# --- Streams ---------------------------------------------------------------------------------------------------------


async def count(log, last=3):
    try:
        for number in range(last):
            log.append(number)
            yield number
    finally:
        await asyncio.sleep(0)
        log.append("end")


def test_items_are_made_when_they_are_asked_for():
    log = []
    items = eventloop.as_generator(count(log))
    assert log == []
    assert next(items) == 0
    time.sleep(0.05)
    assert log == [0]
    assert list(items) == [1, 2]
    assert log == [0, 1, 2, "end"]


def test_closing_runs_the_clean_up():
    log = []
    items = eventloop.as_generator(count(log))
    next(items)
    items.close()
    assert log == [0, "end"]


def test_items_that_nobody_asked_for_need_no_clean_up():
    log = []
    eventloop.as_generator(count(log)).close()
    assert log == []


def test_error_between_items_comes_back():
    async def bad():
        yield 1
        raise ValueError("second")

    items = eventloop.as_generator(bad())
    assert next(items) == 1
    with pytest.raises(ValueError, match="second"):
        next(items)
    assert list(items) == []


def test_all_items_are_made_by_one_task_with_the_context_of_the_beginning():
    name = contextvars.ContextVar("name")
    name.set("request 1")

    async def tasks():
        for _ in range(2):
            yield asyncio.current_task(), name.get()
            name.set("inside")

    items = eventloop.as_generator(tasks())
    name.set("request 2")
    assert [(one[0] is first[0], one[1]) for first in [next(items)] for one in [first, *items]] == [
        (True, "request 1"),
        (True, "inside"),
    ]


def test_timeout_within_an_item_cancels_it_there():
    log = []

    async def slow():
        yield 1
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    items = eventloop.as_generator(slow())
    next(items)
    strike()
    with pytest.raises(ScoringTimeout):
        next(items)
    assert log == ["cancelled"]


def test_iterator_without_aclose_is_enough():
    class Letters:
        def __init__(self):
            self.left = list("cba")

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert list(eventloop.as_generator(Letters())) == ["a", "b", "c"]


# --- The end, and forks ----------------------------------------------------------------------------------------------


def test_close_cancels_what_runs_and_a_new_loop_starts_after_it():
    ended = threading.Event()

    async def begin():
        async def forever():
            try:
                await asyncio.sleep(LONG_S)
            finally:
                ended.set()

        return asyncio.create_task(forever())

    task = eventloop.wait_for(begin())
    eventloop.close()
    assert ended.is_set()
    assert task.cancelled()
    assert eventloop.wait_for(value(2)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_has_a_loop_of_its_own_and_the_parent_keeps_its_own():
    assert eventloop.wait_for(value(1)) == 1
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if eventloop.wait_for(value(2)) == 2 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert eventloop.wait_for(value(3)) == 3
