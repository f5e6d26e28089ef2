"""`load-tester sink`: the bundled target."""

import ssl
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from load_tester.cli.interruption import interruptions
from load_tester.cli.listening import cannot_listen
from load_tester.cli.parameter import DelayType, DurationType, PortType
from load_tester.cli.settings import BadSetting, example, option
from load_tester.sink.behaviour import MAX_BODY_BYTES, Behaviour, InvalidBehaviour
from load_tester.sink.server import RECORDED, Sink

_RATIO = click.FloatRange(0, 1)
_CERTIFICATE = click.Path(path_type=Path, exists=True, dir_okay=False)


_EXAMPLE: Final = example(
    "load-tester sink --latency normal:20ms:5ms --error-ratio 0.01",
    "load-tester sink --stall-at 2s --stall-for 1s",
    "curl http://127.0.0.1:9999/stats",
    "curl http://127.0.0.1:9999/requests",
)


@click.command(epilog=_EXAMPLE)
@option("--host", scope="SINK", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "-p",
    "--port",
    scope="SINK",
    type=PortType(),
    default=9999,
    show_default=True,
    help="Port to listen on; 0 for a free one.",
)
@option(
    "--latency",
    scope="SINK",
    type=DelayType(),
    help="Answer that much later, to the millisecond: 20ms, uniform:1ms:10ms, normal:20ms:5ms (mean, deviation), "
    "exponential:10ms (mean), lognormal:20ms:0.5 (median, deviation of the logarithm).",
)
@option(
    "--error-ratio",
    scope="SINK",
    type=_RATIO,
    default=0.0,
    show_default=True,
    help="Answer this share of the requests with an error.",
)
@option(
    "--error-status",
    scope="SINK",
    type=click.IntRange(400, 599),
    default=503,
    show_default=True,
    help="The status of those errors.",
)
@option(
    "--stall-at",
    "stall_at_ns",
    scope="SINK",
    type=DurationType(),
    default="0s",
    show_default=True,
    help="When the stall begins, from the first request after the start or a reset.",
)
@option(
    "--stall-for",
    "stall_for_ns",
    scope="SINK",
    type=DurationType(),
    default="0s",
    show_default=True,
    help="Stall for so long, once: read requests, and answer all of them when it is over.",
)
@option(
    "--close-after",
    scope="SINK",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Close each connection after so many responses; 0 for never.",
)
@option("--close-abruptly", scope="SINK", is_flag=True, help="Close without announcing it by `Connection: close`.")
@option(
    "--close-ratio",
    scope="SINK",
    type=_RATIO,
    default=0.0,
    show_default=True,
    help="Answer this share of the requests by closing the connection without a response.",
)
@option(
    "--body-size",
    "body_bytes",
    scope="SINK",
    type=click.IntRange(0, MAX_BODY_BYTES),
    show_default="a short text",
    help="The size of the body of a response in bytes.",
)
@option(
    "--body",
    scope="SINK",
    type=click.Choice(["length", "chunked"]),
    default="length",
    show_default=True,
    help="How the body of a response is framed.",
)
@option("--seed", scope="SINK", type=click.IntRange(0), help="Draw the same delays and errors every time.")
@option(
    "--record",
    scope="SINK",
    type=click.IntRange(0),
    default=RECORDED,
    show_default=True,
    help="Keep the last so many requests and show them at GET /requests.",
)
@option("--tls-cert", scope="SINK", type=_CERTIFICATE, help="Answer https with this certificate (PEM).")
@option("--tls-key", scope="SINK", type=_CERTIFICATE, help="The key of the certificate, unless it is in its file.")
def sink(
    *, host: str, port: int, body: str, record: int, tls_cert: Path | None, tls_key: Path | None, **behaviour: Any
) -> None:
    """Run a target for demonstrations and tests: it answers every path with 200, and counts.

    On request it adds latency, errors, a stall, closed connections: what a load test reports of it can be checked
    against what it was told to do.

    GET /stats says what has come in since the start or the last POST /reset, GET /requests shows the last requests,
    both as JSON. The first line of the output is the URL that it listens on.
    """
    try:
        settings = Behaviour(chunked=body == "chunked", **behaviour)
    except InvalidBehaviour as error:
        raise BadSetting(str(error)) from None
    tls = _tls(tls_cert, tls_key)
    uvloop.run(_run(Sink(settings, host=host, port=port, tls=tls, record=record)))


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise BadSetting("--tls-key needs --tls-cert")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(f"cannot use the certificate {certificate}: {error.strerror or error}") from None
    return context


async def _run(target: Sink) -> None:
    with interruptions() as interrupted:
        try:
            await target.start()
        except (OSError, UnicodeError) as error:
            raise BadSetting(cannot_listen(target.host, target.wanted_port, error)) from None
        click.echo(target.url)
        await interrupted.wait()
        await target.stop()
