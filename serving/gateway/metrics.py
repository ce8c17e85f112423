"""What Prometheus sees of the gateway."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_ROUTE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_TIME_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The gateway's counters; one set for each app, so that tests do not share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "philharmonic_requests",
            "Chat requests by the agent that answered and HTTP status",
            ("agent", "status"),
            registry=self.registry,
        )
        self.route_seconds = Histogram(
            "philharmonic_route_seconds",
            "Time to decide who answers, by the stage that decided",
            ("stage",),
            buckets=_ROUTE_BUCKETS,
            registry=self.registry,
        )
        self.first_token_seconds = Histogram(
            "philharmonic_time_to_first_token_seconds",
            "From the request to the first chunk of a streamed answer",
            ("agent",),
            buckets=_TIME_BUCKETS,
            registry=self.registry,
        )
        self.answer_seconds = Histogram(
            "philharmonic_answer_seconds",
            "From the request to the end of the answer",
            ("agent",),
            buckets=_TIME_BUCKETS,
            registry=self.registry,
        )
        self.tokens = Counter(
            "philharmonic_tokens",
            "Tokens read and written, by agent",
            ("agent", "kind"),
            registry=self.registry,
        )
        self.router_fallbacks = Counter(
            "philharmonic_router_fallbacks",
            "Requests the fast path decided alone because the router LLM had no say, by reason",
            ("reason",),
            registry=self.registry,
        )
        self.speculations = Counter(
            "philharmonic_speculations",
            "Answers begun before the decision, by what became of them",
            ("outcome",),
            registry=self.registry,
        )
        self.wasted_tokens = Counter(
            "philharmonic_wasted_tokens",
            "Tokens that were streamed for answers begun in vain",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "philharmonic_requests_in_flight",
            "Chat requests being answered now",
            registry=self.registry,
        )
        self.ready = Gauge(
            "philharmonic_ready",
            "1 when the engine serves every live version",
            registry=self.registry,
        )
