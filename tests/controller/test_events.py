"""What pages are told; slow ones are told to load anew."""

import asyncio
import threading

from loa.controller.adapters.events import EventHub
from loa.controller.ports import Event, EventKind
from loa.controller.services.metrics import Metrics
from loa.protocol.ids import AreaId

XA, KHAC = AreaId("xa"), AreaId("khac")


def everything(_area: AreaId) -> bool:
    return True


def announce_three(hub: EventHub) -> None:
    for number in range(3):
        hub.announce(EventKind.LOG, XA, str(number))


def test_a_page_hears_what_any_thread_announces_in_order() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> list[Event | None]:
        with hub.listen(everything) as heard:
            thread = threading.Thread(target=announce_three, args=(hub,))
            thread.start()
            found = [await anext(heard) for _ in range(3)]
            thread.join()
            return found

    told = asyncio.run(asyncio.wait_for(listen(), 10))
    assert told == [Event(EventKind.LOG, XA, str(n)) for n in range(3)]


def test_a_page_hears_nothing_of_areas_that_are_not_its_own() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> Event | None:
        with hub.listen({XA}.__contains__) as heard:
            hub.announce(EventKind.NODE, KHAC, "secret")
            hub.announce(EventKind.NODE, XA, "own")
            return await anext(heard)

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == Event(EventKind.NODE, XA, "own")


def test_a_slow_page_is_told_to_load_anew_and_goes_on() -> None:
    metrics = Metrics()
    hub = EventHub(metrics=metrics, limit=3)

    async def listen() -> list[Event | None]:
        with hub.listen(everything) as heard:
            for number in range(9):
                hub.announce(EventKind.LOG, XA, str(number))
            await asyncio.sleep(0)
            first = await anext(heard)
            hub.announce(EventKind.LOG, XA, "fresh")
            return [first, await anext(heard)]

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == [None, Event(EventKind.LOG, XA, "fresh")]
    assert b"loa_events_overflows_total 1.0" in metrics.page()


def test_a_page_that_left_is_forgotten() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> None:
        with hub.listen(everything):
            pass

    asyncio.run(listen())
    hub.announce(EventKind.LOG, XA, "into the void")


def test_streams_end_when_the_server_does() -> None:
    hub = EventHub(metrics=Metrics())

    async def listen() -> list[Event | None]:
        with hub.listen(everything) as heard:
            hub.close()
            return [event async for event in heard]

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == []
