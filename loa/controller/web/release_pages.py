"""Software of the nodes: which versions run, what is on its way, and releases to send."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData, UploadFile

from loa.controller.core.access import Act, granted
from loa.controller.core.rollouts import Standing, Status
from loa.controller.errors import ControllerError, NotFound
from loa.controller.services.releases import Release, check_updates
from loa.controller.services.rollouts import Order, Rollout
from loa.controller.store.database import Work
from loa.controller.store.heard import known_nodes
from loa.controller.web.bodies import Bodies, file_of, text_of
from loa.controller.web.catalogue import Look
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.localtime import megabytes, weekday_time
from loa.controller.web.node_pages import HERE
from loa.controller.web.node_words import STANDINGS, STATUSES, refusal
from loa.controller.web.places import capital
from loa.controller.web.render import see_other
from loa.controller.web.words import _, lazy
from loa.protocol.ids import AreaId

ADDRESS = "/nodes/releases"
MOST_MEMBERS = 300
_CHUNK_BYTES = 1 << 20
STOP_AT_PCT = 5
SPREAD = timedelta(minutes=30)
OBSERVE: Mapping[str, tuple[str, timedelta]] = {
    "day": (lazy("1 ngày"), timedelta(days=1)),
    "week": (lazy("1 tuần"), timedelta(days=7)),
    "hour": (lazy("1 giờ, khi cần gấp"), timedelta(hours=1)),
}
TOLD: Mapping[str, str] = {
    "added": lazy("Đã nhận bản phần mềm. Chữ ký đúng."),
    "started": lazy("Đã bắt đầu cập nhật. Một cụm loa đi trước."),
    "halted": lazy("Đã dừng cập nhật."),
}
_BY_HAND = "halted by "


@dataclass(frozen=True, slots=True)
class Member:
    """A node in a rollout."""

    id: str
    name: str
    look: Look


@dataclass(frozen=True, slots=True)
class RolloutView:
    """A rollout in words."""

    id: int
    title: str
    look: Look
    note: str
    why: str
    counts: tuple[tuple[int, Look], ...]
    members: tuple[Member, ...]
    details: tuple[str, ...]
    runs: bool


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release in words."""

    sha256: str
    version: str
    note: str
    running: int


def router(console: Console, bodies: Bodies) -> APIRouter:
    """Releases and rollouts."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = ReleasePage(console)

    @routes.get(ADDRESS)
    def show(request: Request) -> Response:
        return page.show(console.visit(request), told=request.query_params.get("told", ""))

    @routes.post(ADDRESS)
    def add(request: Request, form: Form) -> Response:
        return page.add(console.visit(request, form), file_of(form, "file"))

    @routes.get(ADDRESS + "/{sha256}/start")
    def ask(request: Request, sha256: str) -> Response:
        return page.ask(console.visit(request), sha256)

    @routes.post(ADDRESS + "/{sha256}/start")
    def start(request: Request, sha256: str, form: Form) -> Response:
        return page.start(console.visit(request, form), sha256, form)

    @routes.post(ADDRESS + "/rollouts/{rollout}/halt")
    def halt(request: Request, rollout: int, form: Form) -> Response:
        return page.halt(console.visit(request, form), rollout)

    return routes


class ReleasePage:
    """What the page of releases shows and does; only for who updates nodes somewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._parts = console.controller

    def show(self, visit: Visit, *, told: str = "", problem: str = "") -> Response:
        """What runs, what is on its way, what there is to send."""
        check_updates(visit.person)
        releases = self._parts.releases.find(visit.person)
        running = self._running(visit)
        rollouts = self._rollouts(visit)
        context = {
            "title": _title(rollouts, running, len(visit.places.heard)),
            "rollouts": rollouts,
            "running": running.most_common(),
            "releases": [_release(one, running) for one in releases],
            "told": TOLD.get(told, ""),
            "errors": {"file": problem} if problem else {},
            "flow": True,
        }
        status = 422 if problem else 200
        return self._console.show("releases.html", visit, context, here=HERE, status=status)

    def add(self, visit: Visit, file: UploadFile | None) -> Response:
        """Take a bundle in, if its signature and contents are in order."""
        check_updates(visit.person)
        if file is None:
            return self.show(visit, problem=_("Chọn tệp .bundle do người làm phần mềm gửi"))
        try:
            with self._parts.releases.receive() as incoming:
                while chunk := file.file.read(_CHUNK_BYTES):
                    incoming.write(chunk)
                self._parts.releases.finish(visit.person, incoming)
        except ControllerError as error:
            return self.show(visit, problem=refusal(error))
        return see_other(f"{ADDRESS}?told=added")

    def ask(self, visit: Visit, sha256: str, *, problem: str = "") -> Response:
        """Where the release goes, and how carefully."""
        release = self._release(visit, sha256)
        context: dict[str, Any] = {
            "release": {"sha256": release.sha256, "version": release.version},
            "areas": _areas(visit),
            "observe": [(value, word) for value, (word, _lasting) in OBSERVE.items()],
            "errors": {"area": problem} if problem else {},
            "flow": True,
        }
        status = 422 if problem else 200
        return self._console.show("release_start.html", visit, context, here=HERE, status=status)

    def start(self, visit: Visit, sha256: str, form: FormData) -> Response:
        """Let it go to the first node."""
        release = self._release(visit, sha256)
        _word, observe = OBSERVE.get(text_of(form, "observe"), OBSERVE["day"])
        order = Order(
            release=release.sha256,
            area=AreaId(text_of(form, "area")),
            observe=observe,
            stop_at_pct=STOP_AT_PCT,
            spread=SPREAD,
        )
        if order.area not in visit.places:
            return self.ask(visit, sha256, problem=_("Chọn nơi cập nhật"))
        return self._do(
            lambda work: self._parts.rollouts.start(work, visit.person, order),
            lambda problem: self.ask(visit, sha256, problem=problem),
            "started",
        )

    def halt(self, visit: Visit, rollout: int) -> Response:
        """Let no further node begin."""
        return self._do(
            lambda work: self._parts.rollouts.halt(work, visit.person, rollout),
            lambda problem: self.show(visit, problem=problem),
            "halted",
        )

    def _do(self, act: Callable[[Work], object], refused: Callable[[str], Response], told: str) -> Response:
        try:
            with self._parts.db.work() as work:
                act(work)
        except NotFound:
            raise
        except ControllerError as error:
            return refused(refusal(error))
        return see_other(f"{ADDRESS}?told={told}")

    def _release(self, visit: Visit, sha256: str) -> Release:
        found = self._parts.releases.find(visit.person)
        release = next((one for one in found if one.sha256 == sha256), None)
        if release is None:
            raise NotFound("no_such_release", "there is no such release")
        return release

    def _running(self, visit: Visit) -> Counter[str]:
        """How many of the person's nodes say that they run which version."""
        with self._parts.db.look() as session:
            known = known_nodes(session, list(visit.places.heard))
        return Counter(one.state.agent for one in known if one.state is not None and one.state.agent)

    def _rollouts(self, visit: Visit) -> list[RolloutView]:
        with self._parts.db.look() as session:
            found = self._parts.rollouts.find(session, visit.person)
            lines = {
                one.id: self._parts.rollouts.lines(
                    session, visit.person, one.id, standing=None, after="", limit=MOST_MEMBERS
                )
                for one in found
                if one.status is Status.RUNNING
            }
        views = []
        for one in found:
            members = tuple(
                Member(
                    line.node_id, visit.places.name(AreaId(line.node_id)), STANDINGS[Standing(line.standing)]
                )
                for line in lines.get(one.id, ())
            )
            views.append(self._view(visit, one, members))
        return views

    def _view(self, visit: Visit, one: Rollout, members: tuple[Member, ...]) -> RolloutView:
        counts = _counts(one)
        place = capital(visit.places.title(one.area))
        begun = weekday_time(one.created_at)
        stage = _("đợt %(now)s trên %(all)s", now=one.stage + 1, all=one.stages)
        return RolloutView(
            id=one.id,
            title=_("Bản %(version)s · %(place)s", version=one.version, place=place),
            look=STATUSES[one.status],
            note=f"{begun} · {stage}",
            why=self._why(one),
            counts=tuple(
                (counts[standing], STANDINGS[standing]) for standing in Standing if counts[standing]
            ),
            members=members,
            details=tuple(f"{many}: {why}" for _standing, why, many in one.reasons),
            runs=one.status is Status.RUNNING,
        )

    def _why(self, one: Rollout) -> str:
        if one.status is not Status.HALTED:
            return ""
        if one.reason.startswith(_BY_HAND):
            return _("%(name)s đã dừng.", name=self._console.person_name(one.reason.removeprefix(_BY_HAND)))
        return _("Tự dừng vì quá nhiều cụm loa không cập nhật được.")


def _title(rollouts: list[RolloutView], running: Counter[str], nodes: int) -> str:
    going = next((one for one in rollouts if one.runs), None)
    if going is not None:
        done = sum(many for many, look in going.counts if look is STANDINGS[Standing.KEPT])
        total = sum(many for many, _look in going.counts)
        return _("Đang cập nhật: %(done)s trên %(total)s cụm loa đã xong", done=done, total=total)
    if not running:
        return _("Chưa cụm loa nào báo bản phần mềm")
    (version, many), *others = running.most_common()
    if not others and many == nodes:
        return _("Mọi cụm loa chạy bản %(version)s", version=version)
    return _("%(many)s trên %(nodes)s cụm loa chạy bản %(version)s", many=many, nodes=nodes, version=version)


def _counts(one: Rollout) -> Counter[Standing]:
    counts: Counter[Standing] = Counter()
    for (_stage, standing), many in one.counts.items():
        counts[standing] += many
    return counts


def _release(one: Release, running: Counter[str]) -> ReleaseView:
    note = _("%(size)s · thêm %(at)s", size=megabytes(one.size_bytes), at=weekday_time(one.added_at))
    return ReleaseView(one.sha256, one.version, note, running[one.version])


def _areas(visit: Visit) -> list[tuple[AreaId, str]]:
    return list(_within(visit))


def _within(visit: Visit) -> Iterator[tuple[AreaId, str]]:
    tree, roots = visit.places.tree, granted(visit.person, Act.UPDATE_NODES)
    for area, name in visit.places.options():
        if any(root in tree and tree.is_within(area, root) for root in roots):
            yield area, name
