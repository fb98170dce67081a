"""Bytes named by their digest: ETag, one Range, cached for ever (RFC 9110, section 14)."""

import re

from fastapi import Request, Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def immutable(content: bytes, sha256: str, request: Request, *, media_type: str) -> Response:
    """The content, the part asked for, or 304 or 416."""
    etag = f'"{sha256}"'
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    if asked is None or request.headers.get("if-range", etag) != etag:
        return Response(content, headers=headers, media_type=media_type)
    return _part(content, asked, headers, media_type)


def _part(content: bytes, asked: str, headers: dict[str, str], media_type: str) -> Response:
    part = byte_range(asked, len(content))
    if part is None:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{len(content)}"})
    first, last = part
    headers |= {"content-range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], status_code=206, headers=headers, media_type=media_type)


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range, None if it cannot be satisfied."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or size == 0:
        return None
    first, last = match.groups()
    if not first:
        return (max(size - int(last), 0), size - 1) if last and int(last) else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return int(first), min(int(last), size - 1) if last else size - 1
