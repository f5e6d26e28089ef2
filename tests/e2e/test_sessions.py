"""Correlated sessions as a target sees them, from more than one worker at once."""

import json
from collections import Counter
from typing import Any

from tests.e2e.programs import Daemon, Sink

PARAMS: dict[str, Any] = {"correlated": True, "numUsers": 20, "okWeight": 3, "exitedWeight": 1, "durationRange": "1m"}


def received(daemon: Daemon, sink: Sink) -> list[bytes]:
    """The bodies of 2000 hits by two workers, in the order of their arrival."""
    sink.reset()
    run = daemon.finally_of(daemon.command(duration="1s", rate=2_000, workers=2, seed=7, params=PARAMS))
    assert run["summary"]["answered"] == 2_000
    return sink.bodies()


def test_workers_send_whole_sessions_each_of_its_own(daemon: Daemon, sink: Sink) -> None:
    """Of every session all updates arrive, one each from first to last, and no two workers know the same one."""
    lives: dict[str, list[dict[str, Any]]] = {}
    for body in received(daemon, sink):
        update = json.loads(body.split(b"\n")[2])
        lives.setdefault(update["sid"], []).append(update)
    assert sum(map(len, lives.values())) == 2_000
    for life in lives.values():
        life.sort(key=lambda update: int(update["seq"]))
        assert [update["seq"] for update in life] == list(range(len(life)))
        assert [update["init"] for update in life] == [True] + [False] * (len(life) - 1)
        assert all(update["status"] == "ok" for update in life[:-1])
    still_open = sum(life[-1]["status"] == "ok" for life in lives.values())
    assert still_open <= 2 * PARAMS["numUsers"]


def test_the_same_seed_and_workers_send_the_same_sessions(daemon: Daemon, sink: Sink) -> None:
    """Sessions come from the seed alone, so a second attack repeats the first, byte for byte."""
    first = Counter(received(daemon, sink))
    assert first == Counter(received(daemon, sink))
