"""The demo's machines: a controller with its broker, and nodes, on free loopback ports below one folder."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ssl import SSLContext, create_default_context

import httpx

from loa.controller.demo.processes import Process, StageError, free_port, run_once, wait_until

READY_WITHIN_S = 60.0
EMERGENCY_LEAD_S = 3.0
"""In this time two people sign an emergency before it begins, and every node hears of it."""


class Stage:
    """Starts and stops the processes; everything that they write is below `folder`."""

    def __init__(self, folder: Path, *, sink: str | None) -> None:
        self.folder = folder
        self._sink = sink
        self._http_port = free_port()
        self._nodes: dict[str, Process] = {}
        self._controller: Process | None = None
        self._root_key: str | None = None

    @property
    def address(self) -> str:
        """Where the console is."""
        return f"https://localhost:{self._http_port}"

    def open(self, password: str) -> None:
        """Make a root key and a controller with the sample tree, and start it; returns when it is ready."""
        with ThreadPoolExecutor(1) as aside:
            root_key = aside.submit(self._make_root)
            run_once(
                ["loa-controller", "init", "--sample", "--admin", "admin", "--password", password],
                environment=self._environment(),
            )
        self._root_key = root_key.result()
        self.authority.write_text(run_once(["loa-controller", "authority"], environment=self._environment()))
        log = self.folder / "controller.log"
        self._controller = Process(["loa-controller", "serve"], log=log, environment=self._environment())
        wait_until(self._is_ready, what=f"the controller's start (see {log})", within_s=READY_WITHIN_S)

    def appoint(self, area: str, keepers: Sequence[str]) -> None:
        """Have the root name an area's keepers: by a file that goes to where the key is, and one back."""
        wanted, sealed = (str(self.folder / name) for name in ("keepers.json", "keepers.jws"))
        named = [word for keeper in keepers for word in ("--keeper", keeper)]
        for words in (
            ["request", wanted, "--area", area, *named],
            ["appoint", wanted, sealed, "--key", str(self.root), "--yes"],
            ["import", sealed],
        ):
            run_once(["loa-controller", "root", *words], environment=self._environment())

    def add_node(self, node: str, code: str) -> None:
        """Enrol a node with its one-time code and switch it on."""
        folder = self.folder / "nodes" / node
        data = str(folder / "data")
        run_once(["loa-node", "enrol", self.address, code, "--data", data], environment=os.environ)
        sink = self._sink or f"wav:{self.heard(node)}"
        command = ["loa-node", "run", "--data", data, "--sink", sink]
        self._nodes[node] = Process(command, log=folder / "node.log", environment=os.environ)

    @property
    def root(self) -> Path:
        """The root key: no business of the controller, whose data directory is another folder."""
        return self.folder / "root.pem"

    @property
    def authority(self) -> Path:
        """The demo's own certificate authority, for a browser that is to believe its console."""
        return self.folder / "authority.crt"

    def trust(self) -> SSLContext:
        """Whom programs of the demo believe."""
        return create_default_context(cafile=self.authority)

    def heard(self, node: str) -> Path:
        """The file that holds what the node sounded."""
        return self.folder / "nodes" / node / "heard.wav"

    def check(self) -> None:
        """Raise `StageError` if a process has ended by itself."""
        for process in (self._controller, *self._nodes.values()):
            if process is not None:
                process.check()

    def close(self) -> None:
        """Stop the nodes, then the controller and with it the broker."""
        for process in (*self._nodes.values(), self._controller):
            if process is not None:
                process.stop()

    def _make_root(self) -> str:
        """The public part of a new root key, which nodes learn when they enrol."""
        self.folder.mkdir(parents=True, exist_ok=True)
        made = run_once(["loa-controller", "root", "new", str(self.root)], environment=os.environ)
        return made.split()[-1]

    def _is_ready(self) -> bool:
        if self._controller is None:
            raise StageError("the controller was not started")
        self._controller.check()
        try:
            return httpx.get(f"{self.address}/readyz", trust_env=False, verify=self.trust()).is_success
        except httpx.TransportError:
            return False

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "LOA_DATA_DIR": str(self.folder / "controller"),
            "LOA_HTTP_HOST": "127.0.0.1",
            "LOA_HTTP_PORT": str(self._http_port),
            "LOA_PUBLIC_URL": self.address,
            "LOA_BROKER_LISTEN": '["127.0.0.1"]',
            "LOA_BROKER_PORT": str(free_port()),
            "LOA_BROKER_PUBLIC_HOST": "127.0.0.1",
            # nobody in the demo needs them, and it judges times on small machines
            "LOA_MAKE_STANDING_MESSAGES": "false",
            "LOA_EMERGENCY_LEAD_MS": str(round(EMERGENCY_LEAD_S * 1000)),
            **({"LOA_ROOT_KEY": self._root_key} if self._root_key else {}),
        }
