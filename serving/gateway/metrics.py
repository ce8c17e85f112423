"""What Prometheus sees of the gateway."""

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.engines import Engine

_ROUTE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_TIME_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The gateway's counters; one set for each app, so that tests do not share them.

    Args:
        engines: the names of the engines, which their metrics carry as a label.
    """

    def __init__(self, engines: Iterable[str] = ()) -> None:
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
            "Turns that are worked on now",
            registry=self.registry,
        )
        self.queued = Gauge(
            "philharmonic_requests_queued",
            "Turns that wait for a slot, or for the turn before them in their conversation",
            registry=self.registry,
        )
        self.ready = Gauge(
            "philharmonic_ready",
            "1 when a chat would succeed",
            registry=self.registry,
        )
        self.responses = Counter(
            "philharmonic_http_responses",
            "Answers of every kind, by route and HTTP status",
            ("route", "status"),
            registry=self.registry,
        )
        self.retried = Counter(
            "philharmonic_turns_retried",
            "Turns that were asked for again because the engine failed before it began to answer",
            registry=self.registry,
        )
        self.broken = Counter(
            "philharmonic_streams_broken",
            "Streams that ended with an error, by its code",
            ("code",),
            registry=self.registry,
        )
        self.engine_up = Gauge(
            "philharmonic_engine_up",
            "1 while the engine answers and may serve",
            ("engine",),
            registry=self.registry,
        )
        self.engine_avoided = Gauge(
            "philharmonic_engine_avoided",
            "1 while others are asked first because requests failed on the engine",
            ("engine",),
            registry=self.registry,
        )
        self.engine_load = Gauge(
            "philharmonic_engine_requests_in_flight",
            "Answers and label reads that the engine works on now",
            ("engine",),
            registry=self.registry,
        )
        self.engine_lost = Counter(
            "philharmonic_engine_lost",
            "How often the engine stopped answering",
            ("engine",),
            registry=self.registry,
        )
        for engine in engines:
            self.engine_lost.labels(engine)  # at nought from the start, so that it can increase
        self.adapter_loaded = Gauge(
            "philharmonic_adapter_loaded",
            "1 for each adapter that is wanted and loaded, 0 for one that is not loaded",
            ("engine", "model"),
            registry=self.registry,
        )
        self.adapter_refused = Gauge(
            "philharmonic_adapter_refused",
            "1 for each adapter that the engine refuses to load",
            ("engine", "model"),
            registry=self.registry,
        )
        self.load_seconds = Histogram(
            "philharmonic_adapter_load_seconds",
            "Time the engine took to load an adapter",
            buckets=_TIME_BUCKETS,
            registry=self.registry,
        )

    def show_engines(self, engines: Iterable[Engine], wanted: Collection[str]) -> None:
        """Set the gauges of engines and adapters; what is wanted no more is gone from them."""
        self.adapter_loaded.clear()
        self.adapter_refused.clear()
        for engine in engines:
            self.engine_up.labels(engine.name).set(bool(engine.loaded))
            self.engine_avoided.labels(engine.name).set(engine.is_avoided)
            self.engine_load.labels(engine.name).set(engine.load)
            for model in wanted:
                refused = model in engine.reconciler.refused
                self.adapter_loaded.labels(engine.name, model).set(model in engine.loaded)
                self.adapter_refused.labels(engine.name, model).set(refused)
