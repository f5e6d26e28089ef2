"""`load-tester sink` as a process."""

import signal
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from load_tester.cli.main import main
from tests.cli.program import ending, line, started

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_sink_says_where_it_listens_answers_and_ends(number: signal.Signals) -> None:
    """The first line of its output is the URL, which works by then; a signal ends it with status 0."""
    async with started("sink", "--port", 0) as process, httpx.AsyncClient() as client:
        url = await line(process.stdout)
        assert (await client.post(f"{url}/some/path", content=b"12345")).text == "ok\n"
        stats = (await client.get(f"{url}/stats")).json()
        assert (stats["requests"], stats["bytes"], stats["paths"]) == (1, 5, {"/some/path": 1})
        assert (await client.post(f"{url}/reset")).json() == {"status": "ok"}
        assert (await client.get(f"{url}/stats")).json()["requests"] == 0
        process.send_signal(number)
        ended = await ending(process)
    assert (ended.status, ended.err) == (0, "")


async def test_the_sink_misbehaves_as_its_options_say(tmp_path: Path) -> None:
    """Every option reaches the responses."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    behaviour = "--latency uniform:1ms:2ms --error-ratio 0.5 --error-status 418 --stall-at 0s --stall-for 10ms --seed 1"
    closing = "--close-after 30 --body-size 12 --body chunked --record 5"
    tls = ("--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
    argv = ("sink", "--port", 0, *behaviour.split(), *closing.split(), *tls)
    async with started(*argv) as process, httpx.AsyncClient(verify=context) as client:
        url = await line(process.stdout)
        assert url.startswith("https://127.0.0.1:")
        responses = [await client.get(f"{url}/{number}") for number in range(30)]
        recorded = (await client.get(f"{url}/requests")).json()
    good = [response for response in responses if response.status_code == 200]
    assert {response.status_code for response in responses} == {200, 418}
    assert {response.text for response in good} == {"x" * 12}
    assert {response.headers["transfer-encoding"] for response in good} == {"chunked"}
    assert ["connection" in response.headers for response in responses] == [False] * 29 + [True]
    assert [one["target"] for one in recorded] == ["/25", "/26", "/27", "/28", "/29"]


async def test_the_sink_drops_requests_when_told_to() -> None:
    """A client sees its connection closed without a response."""
    async with started("sink", "--port", 0, "--close-ratio", 1, "--close-abruptly") as process:
        url = await line(process.stdout)
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(url)
            assert (await client.get(f"{url}/stats")).json()["dropped"] == 1


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--latency", "zipf:1ms"], "'zipf' is unknown"),
        (["--error-ratio", "2"], "not in the range"),
        (["--error-ratio", "nan"], "must be between 0 and 1"),
        (["--error-status", "200"], "not in the range"),
        (["--stall-for", "48h"], "between 0s and 24h"),
        (["--tls-key", "{tmp}/file"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "{tmp}/file"], "cannot use the certificate"),
        (["--tls-cert", "{tmp}/nowhere"], "does not exist"),
    ],
)
def test_a_sink_that_cannot_be_is_one_line_and_status_2(
    argv: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not start, and the line says why."""
    (tmp_path / "file").write_text("x")
    assert main(["sink", "--port", "0", *(word.replace("{tmp}", str(tmp_path)) for word in argv)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert complaint in said.err
    assert said.err.count("\n") == 1


async def test_a_busy_port_is_one_line_and_status_2() -> None:
    """As with the daemon."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with started("sink", "--port", port) as process:
            ended = await ending(process)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f"Error: cannot listen on 127.0.0.1:{port}: address already in use; choose with --host and --port\n"
    )
