"""OpenTelemetry traces over gateway, router and engine; off, and not even imported, by default.

Names and attributes follow the semantic conventions for HTTP and for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/). What people say, and keys, are not recorded.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Kind = Literal["SERVER", "CLIENT", "INTERNAL"]

_tracer: "Tracer | None" = None


@asynccontextmanager
async def tracing(endpoint: str | None) -> AsyncIterator[None]:
    """Send traces to the OTLP/HTTP collector at ``endpoint`` for as long as the block runs."""
    global _tracer
    if endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "philharmonic"}))
    exporter = OTLPSpanExporter(endpoint=traces_url(endpoint))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("philharmonic")
    try:
        yield
    finally:
        _tracer = None
        await asyncio.to_thread(provider.shutdown)  # sends what is left


def traces_url(endpoint: str) -> str:
    """Where a collector takes traces."""
    return f"{endpoint.rstrip('/')}/v1/traces"


class Trace:
    """One span that is under way, or nothing at all while traces are off."""

    __slots__ = ("_span",)

    def __init__(self, span: "Span | None") -> None:
        self._span = span

    def set(self, **attributes: Any) -> None:
        """Add attributes, with ``__`` for the dots of their names; None is left out."""
        if self._span is not None:
            given = {k.replace("__", "."): v for k, v in attributes.items() if v is not None}
            self._span.set_attributes(given)

    def rename(self, name: str) -> None:
        """Give the span a name that was not known when it began."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, kind: str) -> None:
        """It went wrong; ``kind`` is an error's code or class."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)
            self._span.set_attribute("error.type", kind)

    def headers(self) -> dict[str, str]:
        """What lets the server that is asked go on with this trace (W3C ``traceparent``)."""
        if self._span is None:
            return {}
        from opentelemetry import trace
        from opentelemetry.propagate import inject

        carrier: dict[str, str] = {}
        inject(carrier, trace.set_span_in_context(self._span))
        return carrier


_NOTHING = Trace(None)


@contextmanager
def span(name: str, kind: Kind = "INTERNAL") -> Iterator[Trace]:
    """A span around a block; it is the parent of those that begin within.

    Not for blocks of a generator that yield: those use `client_span`.
    """
    if _tracer is None:
        yield _NOTHING
        return
    from opentelemetry.trace import SpanKind

    with _tracer.start_as_current_span(name, kind=SpanKind[kind]) as started:
        yield Trace(started)


@contextmanager
def server_span(name: str, headers: Mapping[str, str]) -> Iterator[Trace]:
    """The span of a request; its caller's trace goes on if its headers name one."""
    if _tracer is None:
        yield _NOTHING
        return
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    context = extract(headers)
    with _tracer.start_as_current_span(name, context, kind=SpanKind.SERVER) as started:
        yield Trace(started)


@contextmanager
def client_span(name: str) -> Iterator[Trace]:
    """A span of a call to the engine; the block may yield to a consumer in another context."""
    if _tracer is None:
        yield _NOTHING
        return
    from opentelemetry.trace import SpanKind

    started = _tracer.start_span(name, kind=SpanKind.CLIENT)
    trace = Trace(started)
    try:
        yield trace
    except Exception as error:
        trace.fail(type(error).__name__)
        raise
    finally:
        started.end()


def current() -> Trace:
    """The span that we are in."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry import trace

    return Trace(trace.get_current_span())
