"""What pages are told; slow ones are told to load anew."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

from loa.controller.adapters.events import EventHub
from loa.controller.ports import Event, EventKind, Told
from loa.controller.services.metrics import Metrics
from loa.protocol.ids import AreaId

_Given = TypeVarTuple("_Given")
XA, KHAC = AreaId("xa"), AreaId("khac")


def everything(_area: AreaId) -> bool:
    return True


def announce_three(hub: EventHub) -> None:
    for number in range(3):
        hub.announce(EventKind.LOG, XA, str(number))


def test_a_page_hears_at_once_and_in_order_what_threads_announced_together() -> None:
    hub = EventHub(metrics=Metrics(), gather_s=0.2)

    async def listen() -> Told:
        with hub.listen(everything) as heard:
            thread = threading.Thread(target=announce_three, args=(hub,))
            thread.start()
            thread.join()
            hub.announce(EventKind.LOG, XA, "0")
            return await anext(heard)

    told = asyncio.run(asyncio.wait_for(listen(), 10))
    assert told == tuple(Event(EventKind.LOG, XA, str(n)) for n in range(3)), "each once"


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often another thread wakes it."""

    woken = 0

    def call_soon_threadsafe(
        self, callback: Callable[[*_Given], object], *args: *_Given, context: Context | None = None
    ) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def test_all_pages_of_a_loop_are_woken_once_for_a_burst() -> None:
    hub = EventHub(metrics=Metrics(), gather_s=0.05)

    async def listen() -> list[Told]:
        with hub.listen(everything) as one, hub.listen(everything) as another:
            announce_three(hub)
            return [await anext(one), await anext(another)]

    loop = CountingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        told = runner.run(asyncio.wait_for(listen(), 10))
    assert [len(one) for one in told] == [3, 3]
    assert loop.woken == 1


def test_a_page_hears_nothing_of_areas_that_are_not_its_own() -> None:
    hub = EventHub(metrics=Metrics(), gather_s=0)

    async def listen() -> Told:
        with hub.listen({XA}.__contains__) as heard:
            hub.announce(EventKind.NODE, KHAC, "secret")
            hub.announce(EventKind.NODE, XA, "own")
            return await anext(heard)

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == (Event(EventKind.NODE, XA, "own"),)


def test_a_slow_page_is_told_to_load_anew_and_goes_on() -> None:
    metrics = Metrics()
    hub = EventHub(metrics=metrics, limit=3, gather_s=0)

    async def listen() -> list[Told]:
        with hub.listen(everything) as heard:
            for number in range(9):
                hub.announce(EventKind.LOG, XA, str(number))
            first = await anext(heard)
            hub.announce(EventKind.LOG, XA, "fresh")
            return [first, await anext(heard)]

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == [(), (Event(EventKind.LOG, XA, "fresh"),)]
    assert b"loa_events_overflows_total 1.0" in metrics.page()


def test_only_the_streams_of_the_person_look_at_the_session() -> None:
    hub = EventHub(metrics=Metrics(), gather_s=0)

    async def listen() -> list[Told]:
        with hub.listen(everything, "mai") as mai, hub.listen(everything, "hoa") as hoa:
            hub.look_again("mai")
            hub.announce(EventKind.LOG, XA, "1")
            return [await anext(mai), await anext(hoa)]

    told = asyncio.run(asyncio.wait_for(listen(), 10))
    assert [[event.kind for event in one] for one in told] == [
        [EventKind.SESSION, EventKind.LOG],
        [EventKind.LOG],
    ]


def test_a_page_that_left_is_forgotten() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> None:
        with hub.listen(everything):
            pass

    asyncio.run(listen())
    hub.announce(EventKind.LOG, XA, "into the void")


def test_streams_end_when_the_server_does() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> list[Told]:
        with hub.listen(everything) as heard:
            hub.close()
            return [event async for event in heard]

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == []
