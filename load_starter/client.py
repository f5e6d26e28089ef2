"""The load tester's HTTP API, as far as a plan needs it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import msgspec

from load_tester.domain.run import Run

RETRIES: Final = 3
"""How often a request that is safe to repeat is repeated."""
RETRY_WAIT_S: Final = 0.25
"""Before the first repetition; doubled for each one that follows."""
BATCH: Final = 100
"""So many commands are validated with one request, each of which may take a load tester some milliseconds."""
BATCH_BYTES: Final = 512 * 1024
"""So long such a request may be; load testers read 1 MiB."""
VALIDATION_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
"""How long one of them may take, in seconds."""
_PASSING: Final = (502, 503, 504)
_UNKNOWN: Final = (404, 405)
_SHOWN: Final = 1000


class CommandRefused(Exception):
    """The load tester does not accept the command, or something else answers; the message says what it said."""


class Unreachable(Exception):
    """The load tester does not answer; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command was accepted; `run_id` is `None` when the load tester keeps no runs (upstream's go-load-tester)."""

    run_id: str | None


class Verdict(msgspec.Struct, frozen=True):
    """What a load tester says of a command: what is wrong, if anything, and where in it, like `$.params.numUsers`."""

    error: str | None = None
    path: str | None = None


class _Status(msgspec.Struct):
    """What `GET /status` tells that matters here."""

    run: Run | None = None


class LoadTester:
    """One load tester. Uses `http`, which the caller closes, and waits with `sleep` (seconds).

    Requests that change nothing when they are repeated are repeated when they fail; a command is sent again only when
    no connection could be made, because otherwise it may have been heard.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.url = url
        self._http = http
        self._sleep = sleep

    async def start(self, command: dict[str, Any]) -> Accepted:
        """Post a command, which starts its attack in place of the one that runs.

        Raises:
            CommandRefused: the status is not 200.
            Unreachable: there is no answer.
        """
        response = await self._sent(
            "POST",
            "/command/",
            repeat_on=(httpx.ConnectError, httpx.ConnectTimeout),
            content=msgspec.json.encode(command),
        )
        if response.status_code != 200:
            raise CommandRefused(_refusal(response))
        run_id = _json_object(response).get("runId")
        return Accepted(run_id if isinstance(run_id, str) else None)

    async def validate(self, commands: Sequence[dict[str, Any]]) -> tuple[Verdict, ...] | None:
        """What the load tester says of each command; nothing is started. `None` when it cannot be asked (upstream's).

        Raises:
            CommandRefused: it does not answer as it should.
            Unreachable: there is no answer.
        """
        verdicts: list[Verdict] = []
        for batch in _batches([msgspec.json.encode(command) for command in commands]):
            response = await self._sent(
                "POST", "/validate", content=b"[" + b",".join(batch) + b"]", within=VALIDATION_TIMEOUT
            )
            if response.status_code in _UNKNOWN:
                return None
            verdicts += _verdicts(response, len(batch))
        return tuple(verdicts)

    async def live(self, run_id: str) -> Run:
        """The state of a run that may still be running: like `run`, but cheaper while it is, however long it gets.

        Raises:
            CommandRefused: the load tester does not know it, or answers in a form that is not its own.
            Unreachable: there is no answer.
        """
        response = await self._sent("GET", "/status", repeat_on=(httpx.TransportError,))
        if response.status_code == 200:
            try:
                running = msgspec.json.decode(response.content, type=_Status).run
            except msgspec.DecodeError:
                running = None
            if running is not None and running.id == run_id:
                return running
        return await self.run(run_id)

    async def run(self, run_id: str) -> Run:
        """What is known of a run.

        Raises:
            CommandRefused: the load tester does not know it, or answers in a form that is not its own.
            Unreachable: there is no answer.
        """
        response = await self._sent("GET", f"/runs/{run_id}", repeat_on=(httpx.TransportError,))
        if response.status_code != 200:
            raise CommandRefused(_refusal(response))
        try:
            return msgspec.json.decode(response.content, type=Run)
        except msgspec.DecodeError as error:
            raise CommandRefused(f"{self.url} describes the run in an unknown form: {error}") from None

    async def stop(self) -> None:
        """End the attack that runs, if one does.

        Raises:
            CommandRefused: the status is not 200.
            Unreachable: there is no answer.
        """
        response = await self._sent("GET", "/stop/", repeat_on=(httpx.TransportError,))
        if response.status_code != 200:
            raise CommandRefused(_refusal(response))

    async def _sent(
        self,
        method: str,
        path: str,
        *,
        repeat_on: tuple[type[httpx.TransportError], ...] = (),
        content: bytes | None = None,
        within: httpx.Timeout | None = None,
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if content is not None else None
        wait_s = RETRY_WAIT_S
        for left in range(RETRIES, -1, -1):
            try:
                response = await self._http.request(
                    method, self.url + path, content=content, headers=headers, timeout=within or self._http.timeout
                )
            except httpx.TransportError as error:
                if not left or not isinstance(error, repeat_on):
                    reason = str(error) or type(error).__name__
                    raise Unreachable(f"{self.url} does not answer: {reason} (does a load tester run there?)") from None
            else:
                if method != "GET" or not left or response.status_code not in _PASSING:
                    return response
            await self._sleep(wait_s)
            wait_s *= 2
        raise AssertionError("the last attempt returns or raises")


def _batches(commands: list[bytes]) -> Iterator[list[bytes]]:
    """The commands in parts that a load tester takes; one that is too long for that is alone."""
    batch: list[bytes] = []
    for command in commands:
        if batch and (len(batch) == BATCH or sum(map(len, batch)) + len(command) > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(command)
    if batch:
        yield batch


def _verdicts(response: httpx.Response, count: int) -> list[Verdict]:
    """The verdicts on `count` commands."""
    if response.status_code == 413 and count == 1:
        return [Verdict(error=str(_json_object(response).get("error", "the command is too long")))]
    if response.status_code != 200:
        raise CommandRefused(_refusal(response))
    try:
        verdicts = msgspec.json.decode(response.content, type=list[Verdict])
    except msgspec.DecodeError as error:
        raise CommandRefused(f"the verdicts have an unknown form: {error}") from None
    if len(verdicts) != count:
        raise CommandRefused(f"{count} commands got {len(verdicts)} verdicts")
    return verdicts


def _json_object(response: httpx.Response) -> dict[str, Any]:
    """The body when it is a JSON object; upstream's load testers answer with plain text or a JSON string."""
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(response: httpx.Response) -> str:
    """What the load tester says is wrong, with the member of the command it means."""
    body = _json_object(response)
    said = body.get("error") or response.text.strip() or response.reason_phrase
    text = str(said)[:_SHOWN]
    path = body.get("path")
    return f"{text} (at {path}; status {response.status_code})" if path else f"{text} (status {response.status_code})"
