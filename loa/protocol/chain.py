"""The chain of a journal: each report is bound to all before it, so that none is taken out or altered unseen.

The chain begins with `GENESIS`. What it is after a report is the SHA-256, in base64url, over what it was
before (its 43 characters) followed by the report's canonical bytes, which are those in the batch. A batch
names the chain before its first report.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from loa.protocol.base64url import to_base64url
from loa.protocol.errors import MalformedError
from loa.protocol.wire import canonical

Chain = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
GENESIS = to_base64url(bytes(32))
"""Before a journal's first report, or the first that its node chained."""


def extend(chain: str, contents: Iterable[bytes]) -> str:
    """What `chain` is after reports of these canonical bytes."""
    for content in contents:
        chain = to_base64url(hashlib.sha256(chain.encode() + content).digest())
    return chain


def contents_of(batch: bytes) -> list[bytes]:
    """The canonical bytes of each report of a batch, fields of newer senders included.

    Raises `MalformedError` where there are none.
    """
    try:
        return [canonical(report) for report in json.loads(batch)["reports"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedError(f"no reports with canonical bytes: {error}") from error
