"""Test type `http`, from the command line over real sockets to a target that remembers what it got."""

import gzip
import json
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import programs
from tests.e2e.echo import Answer, Received, echo_target
from tests.e2e.programs import LOAD_STARTER, LOAD_TESTER, Ended, Sink, ran

CONFIGS = Path(__file__).parents[2] / "configs"


def attack(url: str, directory: Path, params: dict[str, Any], *options: str, rate: str = "200") -> Ended:
    """An attack of half a second."""
    fixed = ("attack", "-t", url, "--type", "http", "--rate", rate, "--duration", "500ms", "--json")
    where = ("--data-dir", str(directory / "data"), "--files", str(directory), "--params", json.dumps(params))
    return ran([*LOAD_TESTER, *fixed, *where, *options])


def summary(done: Ended) -> dict[str, Any]:
    """The figures that were printed; every hit is accounted for."""
    assert done.status == 0, done
    run = json.loads(done.out)
    programs.assert_all_accounted_for(run)
    figures: dict[str, Any] = run["summary"]
    return figures


def test_without_parameters_the_target_itself_is_requested(tmp_path: Path) -> None:
    """Hundred times `GET /`, with nothing but a Host."""
    with echo_target() as target:
        figures = summary(attack(target.url, tmp_path, {}))
        assert set(map(str, target.received)) == {str(Received("GET", "/", {"host": target.url[7:]}, b""))}
    assert (figures["answered"], figures["successes"], figures["targets"]) == (len(target.received), 100, {})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_any_method_may_have_a_body(method: str, tmp_path: Path) -> None:
    """It arrives whole, below the path of the attack's target."""
    with echo_target() as target:
        params = {"method": method, "path": "/b", "body": "${seq}\u00e9"}
        assert summary(attack(f"{target.url}/a", tmp_path, params))["successes"] == 100
    assert {(got.method, got.path) for got in target.received} == {(method, "/a/b")}
    assert sorted(got.body for got in target.received) == sorted(f"{n}\u00e9".encode() for n in range(100))


def test_targets_have_their_own_figures_statuses_and_checks(tmp_path: Path) -> None:
    """What each expects decides what its hits are; the report tells them apart."""

    def answer(got: Received) -> Answer:
        if got.path.startswith("/missing"):
            return Answer(404)
        state = b"new" if got.path == "/items/1" else b"old"
        return Answer(200, gzip.compress(b'{"state": "%s"}' % state), (("Content-Encoding", "gzip"),))

    params = {
        "targets": [
            {"path": "/items/${kind}", "checks": [{"jsonPath": {"path": "state", "equals": "new"}}]},
            {"path": "/missing/${seq}", "expectedStatuses": [404], "name": "gone"},
            {"path": "/missing", "expectedStatuses": ["2xx"]},
        ],
        "variables": {"kind": {"valueType": "randomInt", "config": {"min": 1, "max": 2}}},
    }
    with echo_target(answer) as target:
        done = attack(target.url, tmp_path, params, "--workers", "2", rate="400")
    figures = summary(done)
    got = Counter(got.path.split("/")[1] if got.path != "/missing" else "none" for got in target.received)
    new = sum(got.path == "/items/1" for got in target.received)
    targets = figures["targets"]
    assert {name: (of["sent"], of["successes"], of["errors"]) for name, of in targets.items()} == {
        "GET /items/${kind}": (got["items"], new, {"check": got["items"] - new}),
        "gone": (got["missing"], got["missing"], {}),
        "GET /missing": (got["none"], 0, {"status": got["none"]}),
    }
    assert all(of["latency"]["p50"] > 0 for of in targets.values())
    assert (figures["answered"], figures["failed"]) == (200, 0)
    messages = json.loads(done.out)["errorMessages"]
    assert messages["check"] == '$.state is "old", not "new"'
    assert messages["status"] == "the status was 404, which is not expected"


def test_rows_are_exact_over_all_workers(tmp_path: Path) -> None:
    """In sequence each hit has its row; for one worker only, each row is used equally often by one of them."""
    (tmp_path / "users.csv").write_text("name,password\n" + "".join(f"u{n},p {n}\n" for n in range(10)))
    params: dict[str, Any] = {
        "path": "/${seq}/${row.name}",
        "auth": {"basic": {"username": "${row.name}", "password": "${row.password}"}},
        "rows": {"file": "users.csv"},
    }
    with echo_target() as target:
        assert summary(attack(target.url, tmp_path, params, "--workers", "2"))["successes"] == 100
        assert {got.path for got in target.received} == {f"/{n}/u{n % 10}" for n in range(100)}
        for got in target.received:
            name = got.path.rpartition("/")[2]
            assert b64decode(got.headers["authorization"].removeprefix("Basic ")).decode() == f"{name}:p {name[1:]}"
        target.received.clear()
        params["rows"]["order"] = "uniquePerWorker"
        assert summary(attack(target.url, tmp_path, params, "--workers", "3", rate="240"))["successes"] == 120
    senders: dict[str, set[int]] = {}
    for got in target.received:
        _, seq, name = got.path.split("/")
        senders.setdefault(name, set()).add(int(seq) % 3)
    assert sorted(senders) == sorted(f"u{n}" for n in range(10))
    assert all(len(workers) == 1 for workers in senders.values())


def test_there_are_no_more_workers_than_rows_to_share_out(tmp_path: Path) -> None:
    """Asked for more, the attack runs with as many as there are rows."""
    (tmp_path / "one.csv").write_text("n\n1\n")
    params = {"path": "/${row.n}", "rows": {"file": "one.csv", "order": "uniquePerWorker"}}
    with echo_target() as target:
        run = json.loads(attack(target.url, tmp_path, params, "--workers", "4").out)
    assert (run["workers"], run["summary"]["successes"]) == (1, 100)


def test_a_file_of_vegeta_is_sent_in_turn(sink: Sink, tmp_path: Path) -> None:
    """Each target as often as the others, with the bodies of the files it names; the hosts are the sink's."""
    (tmp_path / "body.bin").write_bytes(b"\x00\xff")
    lines = (f"GET {sink.url}/a?b=c", "X-A: 1", "", f"POST {sink.url}/d", "@body.bin", "# the end", "PUT /e")
    (tmp_path / "targets.txt").write_text("\n".join(lines))
    figures = summary(attack(sink.url, tmp_path, {"targetsFile": {"file": "targets.txt"}}, rate="300"))
    assert sink.stats()["paths"] == {"/a": 50, "/d": 50, "/e": 50}
    assert Counter(sink.bodies()) == {b"": 100, b"\x00\xff": 50}
    assert {name: of["successes"] for name, of in figures["targets"].items()} == {
        "GET /a": 50,
        "POST /d": 50,
        "PUT /e": 50,
    }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": "/${row.nmae}", "rows": {"file": "users.csv"}}, "--params path: unknown variable 'row.nmae'"),
        ({"rows": {"file": "../users.csv"}}, "it is not below"),
        ({"body": {"file": "big"}}, "is larger than"),
        ({"targetsFile": {"file": "targets.txt"}}, "is not below the attack's target"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    sink: Sink, tmp_path: Path, params: dict[str, Any], message: str
) -> None:
    """The status is 2, and the message says which parameter is wrong."""
    (tmp_path / "users.csv").write_text("name\nann\n")
    (tmp_path / "targets.txt").write_text("GET http://elsewhere.test/\n")
    (tmp_path / "big").write_bytes(bytes(17 * 1024 * 1024))
    done = attack(sink.url, tmp_path, params)
    assert done.status == 2
    assert message in done.err
    assert sink.requests == 0


@pytest.mark.parametrize(
    ("script", "replacements", "planned"),
    [
        ("http.star", {"5 * Second": "Second"}, [200, 400]),
        ("httpRows.star", {"3 * Second": "Second"}, [100, 100, 100]),
    ],
)
def test_the_example_scripts_run(
    sink: Sink, tmp_path: Path, script: str, replacements: dict[str, str], planned: list[int]
) -> None:
    """With the files beside them, every hit is a success."""
    text = (CONFIGS / script).read_text()
    for words, others in replacements.items():
        assert words in text
        text = text.replace(words, others)
    (tmp_path / script).write_text(text)
    with programs.daemon(sink.url, tmp_path, "--files", str(CONFIGS)) as daemon:
        done = ran([*LOAD_STARTER, script, "--load-server", daemon.url], cwd=tmp_path)
        assert done.status == 0, done
        assert done.out.count("100.00%") == len(planned)
        runs = [daemon.run(run["id"]) for run in reversed(daemon.runs()["runs"])]
    assert [run["summary"]["planned"] for run in runs] == planned
    assert sink.requests == sum(planned)
    if script == "http.star":
        assert all(
            set(run["summary"]["targets"]) == {"GET /api/items/${item}", "GET /api/search", "order"} for run in runs
        )
    else:
        assert sink.stats()["paths"]["/users/zo%C3%AB"] > 50
