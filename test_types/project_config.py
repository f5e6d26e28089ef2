"""Test type `projectConfig`: a population of virtual Relays that poll Sentry for the configs of projects."""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MINUTE, SECOND
from load_tester.domain.pacer import Share
from load_tester.domain.parameter import Span
from load_tester.domain.project import MadeUpProjects, Project
from load_tester.domain.request import Request, Response, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.envelope import REMEMBERED_ENDPOINTS
from test_types.generation import json_text
from test_types.params import END, check_order, check_projects
from test_types.relay import Relay
from test_types.signature import KEY_PATTERN, Signer

MAX_RELAYS: Final = 10_000
MAX_PROJECTS: Final = 100_000
MAX_MEMORIES: Final = 2_000_000
"""Relays times projects: each Relay remembers each project, in 1 to 150 bytes."""
MAX_BATCH: Final = 10_000
TARGETS: Final = ("config", "invalidation")

CONFIG_PATH: Final = "/api/0/relays/projectconfigs/?version=3"

# SHA-256 of "load-tester", as a private key that everybody knows.
DEFAULT_PRIVATE_KEY: Final = "wQhCx3sPhWWdvrc9VeiMY4KWsf136cneTD2SFKvP6VU"
DEFAULT_PUBLIC_KEY: Final = "Zd_37VKo9cxQCRz7Z8OkDRyEYkiK92rCmlqFGVpfz0w"
DEFAULT_RELAY_ID: Final = "6c6f6164-2d74-4573-b465-722d72656c79"
UUID_PATTERN: Final = rf"^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{END}"


class ProjectConfigParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who polls for what, how much at a time, and how often a config is invalidated."""

    num_relays: Annotated[
        int, Meta(ge=0, le=MAX_RELAYS, description="Relays that poll, one after the other; 0 stands for 1.")
    ] = 10
    num_projects: Annotated[
        int, Meta(ge=0, le=MAX_PROJECTS, description="Projects that each Relay needs configs of; 0 stands for 1.")
    ] = 100
    min_batch_size: Annotated[
        int, Meta(ge=1, le=MAX_BATCH, description="The fewest configs that are asked for at a time.")
    ] = 1
    max_batch_size: Annotated[
        int, Meta(ge=1, le=MAX_BATCH, description="The most configs that are asked for at a time.")
    ] = 10
    batch_interval: Annotated[
        Span, Meta(description="How long a Relay keeps a config before it asks for it again.")
    ] = Span(MINUTE)
    project_invalidation_ratio: Annotated[
        float, Meta(ge=0, le=1, description="The part of the hits that invalidate a config instead of asking for some.")
    ] = 0.0
    invalidation_method: Annotated[
        Literal["PUT", "POST"],
        Meta(description="How a project is updated: Sentry wants `PUT`; go-load-tester sends `POST`."),
    ] = "PUT"
    relay_id: Annotated[
        str, Meta(pattern=UUID_PATTERN, description="The id by which Sentry knows the Relays: all have the same.")
    ] = DEFAULT_RELAY_ID
    relay_public_key: Annotated[
        str,
        Meta(pattern=KEY_PATTERN, description="Their public key, in base64url without padding; of the private one."),
    ] = DEFAULT_PUBLIC_KEY
    relay_private_key: Annotated[
        str,
        Meta(pattern=KEY_PATTERN, description="Their private key; it is kept with the command in the run's record."),
    ] = DEFAULT_PRIVATE_KEY


class Turns:
    """Which hits of one worker's share are invalidations, and whose turn it is at each of the others.

    Worker w of m has the hits w, w + m, w + 2m …; its hit number i is an invalidation when ⌊(i + 1) · ratio + w / m⌋ is
    above ⌊i · ratio + w / m⌋. So each worker keeps the ratio by itself, whatever m is (counting through all hits, with a
    ratio of 1/2 one of two workers would send nothing else), and all together do exactly: after n hits of each worker
    they have sent ⌊n · m · ratio⌋, because ⌊x⌋ + ⌊x + 1/m⌋ + … + ⌊x + (m - 1)/m⌋ = ⌊m · x⌋ (Hermite's identity).
    """

    def __init__(self, ratio: float, share: Share) -> None:
        exact = Fraction(str(ratio))  # the number as it was written: 0.29 is 29/100
        self._workers = share.step
        self._per_hit = exact.numerator * share.step
        self._offset = share.first % share.step * exact.denominator
        self._whole = exact.denominator * share.step

    def poll(self, seq: int) -> int | None:
        """The number of a hit among those of its worker that are no invalidations; `None` if it is one.

        Args:
            seq: the number of the hit within the whole attack; it must be in the share.
        """
        i = seq // self._workers
        before, over = divmod(i * self._per_hit + self._offset, self._whole)
        return None if over + self._per_hit >= self._whole else i - before


def _check(params: ProjectConfigParams) -> None:
    check_order("minBatchSize", params.min_batch_size, "maxBatchSize", params.max_batch_size)
    memories = (params.num_relays or 1) * (params.num_projects or 1)
    if memories > MAX_MEMORIES:
        raise InvalidParams(
            f"numRelays times numProjects is {memories}; at most {MAX_MEMORIES} can be remembered", ".numRelays"
        )
    public_key = Signer(params.relay_private_key).public_key
    if params.relay_public_key != public_key:
        raise InvalidParams(
            f"relayPublicKey does not belong to relayPrivateKey, whose public half is {public_key}", ".relayPublicKey"
        )


def _build(params: ProjectConfigParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    share = context.share
    projects = tuple(context.projects.at(index) for index in range(num_projects))
    interval_ns = params.batch_interval.ns
    # This worker's Relays are those whose number leaves the same remainder as its hits.
    relays = tuple(
        Relay(num_projects, interval_ns) for _ in range(share.first % share.step, params.num_relays or 1, share.step)
    )
    poll = Turns(params.project_invalidation_ratio, share).poll
    write_poll = _poll_writer(params, tuple(json_text(project.project_key) for project in projects))
    write_invalidation = _invalidation_writer(params, projects, context)
    draw = context.random.random
    least, sizes = params.min_batch_size, params.max_batch_size - params.min_batch_size + 1
    latest_ns = 0

    def request(seq: int, now_ns: int) -> Request:
        nonlocal latest_ns
        latest_ns = now_ns
        number = poll(seq)
        if number is None:
            return write_invalidation(seq, int(draw() * num_projects))
        relay = relays[number % len(relays)]
        return write_poll(relay.batch(least + int(draw() * sizes), int(draw() * num_projects), now_ns), now_ns)

    index_of = {project.project_key: index for index, project in enumerate(projects)}
    decode = msgspec.json.Decoder(_Answer).decode

    def observe(response: Response) -> None:
        number = poll(response.seq)
        if number is not None and response.status == 200:
            try:
                answer = decode(response.body)
            except ValueError:  # no JSON, other JSON, or no UTF-8
                return
            # The clock of the payloads stands still between hits: now is when the latest one was due.
            relays[number % len(relays)].answer(
                [index_of[key] for key in answer.pending or () if key in index_of],
                [index_of[key] for key in answer.configs or () if key in index_of],
                latest_ns,
            )

    return Targeter(request, observe, targets=TARGETS)


class _Answer(msgspec.Struct):
    """What Sentry answers, as far as it matters: keys of projects whose configs are pending, and configs by key."""

    pending: tuple[str, ...] | None = None
    configs: dict[str, msgspec.Raw] | None = None


def _poll_writer(params: ProjectConfigParams, keys: tuple[str, ...]) -> Callable[[list[int], int], Request]:
    """Write a request for the configs of these projects, whose keys are given as JSON."""
    signature = Signer(params.relay_private_key).signature
    content_type, relay_id = ("Content-Type", "application/json"), ("X-Sentry-Relay-Id", params.relay_id)

    def write(chosen: list[int], now_ns: int) -> Request:
        body = f'{{"publicKeys":[{",".join([keys[index] for index in chosen])}],"fullConfig":true}}'.encode()
        signed = ("X-Sentry-Relay-Signature", signature(body, now_ns // SECOND))
        return Request("POST", CONFIG_PATH, (content_type, relay_id, signed), body)

    return write


def _invalidation_writer(
    params: ProjectConfigParams, projects: tuple[Project, ...], context: BuildContext
) -> Callable[[int, int], Request]:
    """Write an update of a project, which makes Sentry forget its config. Sentry wants it to change something."""
    method = params.invalidation_method
    if params.project_invalidation_ratio and not isinstance(context.projects, MadeUpProjects):
        _check_listed(projects)

    @lru_cache(maxsize=REMEMBERED_ENDPOINTS)
    def endpoint(index: int) -> tuple[str, tuple[tuple[str, str], ...]]:
        project = projects[index]
        token = (("Authorization", f"Bearer {project.access_token}"),) if project.access_token else ()
        headers = (("Content-Type", "application/json"), *token)
        return f"/api/0/projects/{project.organization_slug}/{project.project_slug}/", headers

    def write(seq: int, index: int) -> Request:
        path, headers = endpoint(index)
        return Request(method, path, headers, b'{"safeFields": ["x-%d"]}' % seq, 1)

    return write


def _check_listed(projects: tuple[Project, ...]) -> None:
    """Raise `InvalidParams` unless all of these, which stand in a file, can be updated."""
    for number, project in enumerate(projects):
        for field in ("access_token", "project_slug", "organization_slug"):
            if not getattr(project, field):
                raise InvalidParams(
                    f"project {project.project_id} (number {number + 1} of the projects file) has no {field}, without"
                    " which its config cannot be invalidated",
                    ".projectInvalidationRatio",
                )


DESCRIPTION: Final = """\
A hit is one of two kinds, each with figures of its own: `config` and `invalidation`.

**`config`**: a Relay asks for the configs of a batch of projects, by their keys:

```
POST {target}/api/0/relays/projectconfigs/?version=3
Content-Type: application/json
X-Sentry-Relay-Id: {relayId}
X-Sentry-Relay-Signature: {signature}

{"publicKeys":["…","…"],"fullConfig":true}
```

- Relays take turns. With several workers each has Relays of its own, so there are never more workers than Relays.
- How many configs are asked for is uniform from `minBatchSize` to `maxBatchSize`: first those that Sentry said are
  pending, then others that the Relay does not have, walking through the projects from a random one on. Are there fewer,
  the batch is smaller. Are there none, the Relay asks again for those that came longest ago, as if they had expired:
  the schedule is kept, and a hit is always something that a Relay would send. To see only what expires, ask for at most
  `numRelays` · `numProjects` configs in each `batchInterval`.
- Answers teach the Relay: keys in `pending` are asked for next, those in `configs` not before `batchInterval` is over.
  Other answers change nothing, whatever their status, nor do those that are longer than 1 MiB. So payloads depend on
  what the target says and when: a seed repeats them only as far as the target repeats itself.
- The signature is that of Sentry's Relays: `{"t":"2025-01-02T15:04:05Z"}`, a zero byte and the body, signed with
  Ed25519; then that header; both in base64url without padding, with a dot between them. Sentry has to know `relayId` and
  `relayPublicKey`. The default keys are a pair that everybody has: for targets that do not matter.

**`invalidation`**: a project's settings are changed, so that Sentry has to make its config anew. Which project, is random:

```
PUT {target}/api/0/projects/{organization_slug}/{project_slug}/
Content-Type: application/json
Authorization: Bearer {access_token}

{"safeFields": ["x-{number}"]}
```

- `number` is that of the hit within the attack; it only rises.
- Each worker sends the ratio of its hits, and all of them together send exactly ⌊`projectInvalidationRatio` · hits⌋,
  counted when each has sent as many hits as the others.
- Projects of a `projects.json` need an `access_token`, a `project_slug` and an `organization_slug` then. Made-up ones have
  no token: their updates are sent without `Authorization`, which a fake Sentry does not mind.
"""

PROJECT_CONFIG: Final = TestType(
    name="projectConfig",
    summary="Relays that poll Sentry for project configs, and invalidations of these.",
    description=DESCRIPTION,
    params=ProjectConfigParams,
    build=_build,
    check=_check,
    hits_per_worker=8_000,
    most_workers=lambda params, _: params.num_relays or 1,
)
