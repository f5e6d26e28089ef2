"""What an attack is: the order it is started from, what is heard of it while it runs, how it ended."""

from enum import StrEnum
from typing import Any

import msgspec

from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.metrics import Second
from load_tester.domain.pacer import Pacing
from load_tester.domain.project import Project
from load_tester.domain.test_type import Transport

SEEDED_EPOCH_NS = 1_735_689_600_000_000_000
"""2025-01-01T00:00:00Z: what counts as now at the start of an attack with a seed, unless the command says otherwise."""


class Tls(msgspec.Struct, frozen=True):
    """How TLS targets are verified: by the system's authorities, by `ca_pem` (PEM text) instead, or not at all."""

    verify: bool = True
    ca_pem: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, complete and checked: everything a worker anywhere needs, and nothing local to this machine.

    Attributes:
        run_id: the run this attack belongs to.
        target_url: `http://` or `https://` with host, port and path prefix; for Kafka what is shown for it.
        test_type: a registered name; `params` are what its params type encodes to.
        pacer: when hits are due; `None` for as fast as the target answers, on all connections.
        duration_ns: hits are due from 0 up to but not including this.
        timeout_ns: how long a hit may take, counted from when it was due.
        max_connections: at once, for the whole attack.
        seed: of all randomness of the payloads, at least 0.
        epoch_ns: what payloads take for now at the start of the attack (Unix time); `None` for the true time.
        projects: the listed projects; `None` for made-up ones.
        files: the content of the files that the parameters name.
        transport: the test type's.
        kafka: with the transport `kafka`, the cluster that is attacked.
        workers: how many attack workers; `None` lets the engine choose: as many as the rate needs at
            `hits_per_worker` hits per second, at most one per core; one per core when the rate is unlimited.
        most_workers: there are never more than this, whoever chooses; `None` for no limit.
    """

    run_id: str
    target_url: str
    test_type: str
    params: dict[str, Any]
    pacer: Pacing | None
    duration_ns: int
    timeout_ns: int
    max_connections: int
    seed: int
    epoch_ns: int | None = None
    tls: Tls = Tls()
    projects: tuple[Project, ...] | None = None
    files: dict[str, bytes] = {}
    transport: Transport = "http"
    kafka: KafkaTarget | None = None
    workers: int | None = None
    hits_per_worker: int = 20_000
    most_workers: int | None = None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What happened since the update before: several times a second while an attack runs, and once at its end.

    `seconds` are to be added up; the rest are readings. `in_flight` hits have been sent, `waiting` hits wait for a
    connection, `open` connections are open. `saturated_ns` is the time, summed up so far, in which a worker used at
    least 95 % of a core.
    """

    elapsed_ns: int
    seconds: tuple[Second, ...] = ()
    open: int = 0
    in_flight: int = 0
    waiting: int = 0
    workers: int = 0
    saturated_ns: int = 0


class Ending(StrEnum):
    """How an attack ended."""

    FINISHED = "finished"
    """Every planned hit has ended."""
    STOPPED = "stopped"
    """It was asked to stop."""
    FAILED = "failed"
    """It could not go on: the payload generator raised, or no worker could be kept alive."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The ending of an attack. `incidents` say what went wrong on the way without ending it: a worker that was lost.

    `messages` holds the message of the first error of each kind.
    """

    ending: Ending
    error: str | None = None
    incidents: tuple[str, ...] = ()
    messages: dict[str, str] = msgspec.field(default_factory=dict)
