"""`load-tester attack` as a process: one attack without a daemon."""

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.e2e import programs
from tests.e2e.programs import LOAD_TESTER, Ended, Sink, ran, started


def argv(url: str, data_dir: Path, *options: str, rate: str = "100", duration: str = "500ms") -> list[str]:
    """The command line of an attack with sessions: 50 of them, unless said otherwise."""
    fixed = ("attack", "-t", url, "--type", "session", "--rate", rate, "--duration", duration, "--json")
    return [*LOAD_TESTER, *fixed, "--data-dir", str(data_dir), *options]


def reported(done: Ended) -> dict[str, Any]:
    """The run that the program printed, which it has done with status 0 and every hit accounted for."""
    assert done.status == 0, done
    run: dict[str, Any] = json.loads(done.out)
    programs.assert_all_accounted_for(run)
    return run


def test_a_target_that_refuses_is_a_result(tmp_path: Path, closed_port: str) -> None:
    """The attack ran, so the status is 0; the report says that every hit was refused, and by whom."""
    run = reported(ran(argv(closed_port, tmp_path)))
    assert (run["summary"]["planned"], run["summary"]["errors"]) == (50, {"refused": 50})
    assert closed_port.removeprefix("http://") in run["errorMessages"]["refused"]


def test_a_name_that_does_not_resolve_is_a_result(tmp_path: Path) -> None:
    """The report names the kind of error and the name."""
    run = reported(ran(argv("http://no-such-host.invalid", tmp_path, rate="10")))
    assert run["summary"]["errors"] == {"resolve": 5}
    assert "no-such-host.invalid" in run["errorMessages"]["resolve"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_attack_reports_what_was_sent(sink: Sink, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C is an ordinary end: status 0, a report of the hits that the target has seen, and a record of them."""
    with started(argv(sink.url, tmp_path, rate="200", duration="60s")) as program:
        sink.hit(20)
        run = reported(program.end(number))
    assert (run["state"], run["summary"]["answered"]) == ("stopped", sink.requests)
    listed = json.loads(ran([*LOAD_TESTER, "runs", "--json", "--data-dir", str(tmp_path)]).out)
    assert [(kept["id"], kept["summary"]) for kept in listed["runs"]] == [(run["id"], run["summary"])]


def test_an_unlimited_rate_uses_every_connection(sink: Sink, tmp_path: Path) -> None:
    """As many hits as the target answers, on all connections, and each of them is accounted for."""
    run = reported(ran(argv(sink.url, tmp_path, "--max-connections", "20", rate="0", duration="1s")))
    stats = sink.stats()
    assert run["summary"]["sent"] == stats["requests"] > 1000
    assert run["summary"]["connectionsOpened"] == stats["connections"] == 20


def test_an_installed_test_type_can_be_used(sink: Sink, plugin: dict[str, str], tmp_path: Path) -> None:
    """What a user's own package registers is sent, and listed by `load-tester test-types`."""
    done = ran(argv(sink.url, tmp_path, "--type", "numbered"), env=plugin)
    assert reported(done)["testType"] == "numbered"
    assert sink.stats()["paths"] == {f"/hit/{number}": 1 for number in range(50)}
    assert "Every hit has a path of its own." in ran([*LOAD_TESTER, "types"], env=plugin).out


def test_a_generator_that_raises_makes_the_attack_fail(sink: Sink, plugin: dict[str, str], tmp_path: Path) -> None:
    """The status is 1, and the report has the message."""
    done = ran(argv(sink.url, tmp_path, "--type", "breaking", "--params", '{"after": 20}'), env=plugin)
    assert done.status == 1
    run = json.loads(done.out)
    programs.assert_all_accounted_for(run)
    assert "out of ideas at hit 20" in run["error"]
    assert run["summary"]["sent"] == sink.requests == 20


def test_certificates_are_verified(tmp_path: Path) -> None:
    """By the authority that is given; without it the target is not trusted, unless one says so."""
    authority = trustme.CA()
    certificate, trusted = tmp_path / "certificate.pem", tmp_path / "authority.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(trusted)
    http = httpx.Client(verify=ssl.create_default_context(cafile=trusted), trust_env=False)
    with programs.sink("--tls-cert", str(certificate), http=http) as secure:
        assert secure.url.startswith("https://")
        for options, expected in (
            (["--ca", str(trusted)], ({"200": 50}, {})),
            ([], ({}, {"tls": 50})),
            (["--insecure"], ({"200": 50}, {})),
        ):
            run = reported(ran(argv(secure.url, tmp_path, *options)))
            assert (run["summary"]["statusCodes"], run["summary"]["errors"]) == expected
        assert secure.requests == 100


def test_ipv6_targets_are_attacked(tmp_path: Path) -> None:
    """An address in brackets is one like any other."""
    with ipv6_sink() as target:
        assert target.url.startswith("http://[::1]:")
        run = reported(ran(argv(target.url, tmp_path)))
        assert run["summary"]["statusCodes"] == {"200": target.requests}


@contextmanager
def ipv6_sink() -> Iterator[Sink]:
    """A sink on the IPv6 loopback, where there is one."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with programs.sink("--host", "::1") as target:
        yield target


def test_the_folder_that_it_is_called_in_does_not_matter(sink: Sink, tmp_path: Path) -> None:
    """Files there that are named like modules are not imported, neither by the program nor by its workers."""
    for module in ("numpy", "queue", "test_types", "load_tester"):
        (tmp_path / f"{module}.py").write_text(f"raise SystemExit('{module} of the folder was imported')")
    command = argv(sink.url, tmp_path / "data")
    program = Path(sys.executable).with_name("load-tester")
    done = subprocess.run(
        [program, *command[len(LOAD_TESTER) :]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("of the folder")) == (0, 0), done.stderr
    assert sink.requests == 50


def test_a_full_disk_behind_the_output_is_one_line() -> None:
    """There is no traceback when what is printed cannot be written."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*LOAD_TESTER, "types"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: cannot write the output: No space left on device\n")
