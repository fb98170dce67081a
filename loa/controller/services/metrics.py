"""What the controller counts, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The instruments that services write to; one object a controller, thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.overflows = self._counter(
            "mailbox_overflows", "Messages of nodes dropped, the mailbox being full"
        )
        self.refused = Counter(
            "loa_upward_refused", "Messages of nodes not accepted", ["reason"], registry=self.registry
        )
        self.reports = self._counter("reports_stored", "Reports of nodes stored for the first time")
        self.receipts = self._counter("receipts_sent", "Receipts sent to nodes")
        self.hellos = self._counter("hellos_answered", "Hellos answered")
        self.published = Counter(
            "loa_published", "Messages handed to the broker", ["channel"], registry=self.registry
        )
        self.left_out = self._counter("urgent_left_out", "Entries that did not fit into an urgent message")
        self.silences = self._counter("silences_issued", "Silences written to the journal")
        self.slow_pages = self._counter("events_overflows", "Pages told to reload, being too slow")
        self.job_failures = Counter(
            "loa_job_failures", "Runs of a job that failed", ["job"], registry=self.registry
        )
        self.evidence = Counter(
            "loa_evidence",
            "Occurrences that sounded, by what an ear found",
            ["ear", "found"],
            registry=self.registry,
        )
        self.self_tests = Counter(
            "loa_self_tests", "Self-tests of nodes by outcome", ["outcome"], registry=self.registry
        )
        self.nodes = Gauge("loa_nodes", "Nodes by presence", ["presence"], registry=self.registry)
        self.concerns = Gauge(
            "loa_nodes_concerned", "Nodes by what to mind", ["concern"], registry=self.registry
        )
        self.diverging = Gauge(
            "loa_nodes_diverging",
            "Nodes that hold other orders than they were given",
            ["how"],
            registry=self.registry,
        )
        self.sign_ins_failed = Counter(
            "loa_sign_ins_failed", "Sign-ins refused", ["step"], registry=self.registry
        )
        self.connected = Gauge(
            "loa_broker_connected", "Whether the broker's session is up", registry=self.registry
        )
        self.ingest_seconds = Histogram(
            "loa_ingest_seconds", "From taking a batch to its receipts", registry=self.registry
        )

    def page(self) -> bytes:
        """All values in the text format of Prometheus."""
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str) -> Counter:
        return Counter(f"loa_{name}", help_text, registry=self.registry)
