"""The static files, under an address that names their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from loa.controller.web.compressing import takes_gzip

FOLDER = Path(__file__).parent / "static"
YEAR_S = 31_536_000
TEXTS: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Assets:
    """Static files of one content; `version` is of all files together, since they name each other."""

    version: str

    def url(self, path: str) -> str:
        """The address of a file below the static folder."""
        return f"/static/{self.version}/{path}"


def survey(folder: Path = FOLDER) -> Assets:
    """Read all files once and name them by their content."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return Assets(version=digest.hexdigest()[:16])


def serve(app: FastAPI, assets: Assets) -> None:
    """Serve the files of this version; another version is not found, and never kept."""
    app.mount(f"/static/{assets.version}", _Immutable(FOLDER), name="static")


class _Immutable(StaticFiles):
    """For a year; text goes out compressed, as it was packed when the server began."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self._packed = _pack(folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        packed = self._packed.get(path) if takes_gzip(Headers(scope=scope)) else None
        if packed is not None and scope["method"] == "GET":
            headers = {"content-encoding": "gzip", "vary": "accept-encoding"}
            kind = TEXTS[Path(path).suffix]
            response = Response(packed, media_type=kind, headers=headers)
        else:
            response = await super().get_response(path, scope)
        response.headers["cache-control"] = f"public, max-age={YEAR_S}, immutable"
        response.headers["x-content-type-options"] = "nosniff"
        return response


def _pack(folder: Path) -> Mapping[str, bytes]:
    return {
        str(path.relative_to(folder)): gzip.compress(path.read_bytes(), 9, mtime=0)
        for path in folder.rglob("*")
        if path.suffix in TEXTS
    }
