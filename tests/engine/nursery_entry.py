"""A nursery with test types that misbehave in every way a user's could; run as a program by the tests of the crew."""

import os
import socket
import sys

import msgspec

from load_tester.domain.request import Request, Response, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, Registry, TestType
from load_tester.engine import nursery
from test_types import TEST_TYPES


class After(msgspec.Struct, frozen=True):
    """How many hits go well first; `port` of 127.0.0.1 is told of it when a hang begins."""

    after: int = 0
    port: int = 0


def counting(params: After, context: BuildContext) -> Targeter:
    """GET /0, GET /1, …: the number of the hit is the path."""
    return Targeter(lambda seq, _: Request("GET", f"/{seq}"))


def raising(params: After, context: BuildContext) -> Targeter:
    """Raises at hit number `after`."""

    def request(seq: int, _: int) -> Request:
        if seq >= params.after:
            raise RuntimeError("out of ideas")
        return Request("GET", f"/{seq}")

    return Targeter(request)


def quitting(params: After, context: BuildContext) -> Targeter:
    """Calls `sys.exit` at hit number `after`."""

    def request(seq: int, _: int) -> Request:
        if seq >= params.after:
            sys.exit(3)
        return Request("GET", f"/{seq}")

    return Targeter(request)


def crashing(params: After, context: BuildContext) -> Targeter:
    """Takes its process down at hit number `after`, as a broken extension module would."""

    def request(seq: int, _: int) -> Request:
        if seq >= params.after:
            os._exit(3)
        return Request("GET", f"/{seq}")

    return Targeter(request)


def hanging(params: After, context: BuildContext) -> Targeter:
    """Never comes back from hit number `after`."""

    def request(seq: int, _: int) -> Request:
        if seq >= params.after:
            with socket.create_connection(("127.0.0.1", params.port)) as herald:
                herald.sendall(b"GET /hanging HTTP/1.1\r\n\r\n")
            while True:
                pass
        return Request("GET", f"/{seq}")

    return Targeter(request)


def blind(params: After, context: BuildContext) -> Targeter:
    """Cannot bear the response to hit number `after`; an `OSError` must not be taken for one of the connection's."""

    def observe(response: Response) -> None:
        if response.seq >= params.after:
            raise OSError("too bright")

    return Targeter(lambda seq, _: Request("GET", f"/{seq}"), observe)


def sorting(params: After, context: BuildContext) -> Targeter:
    """Counts even and odd hits apart, finds fault with those by three, and sends what a file and its share say."""
    words = context.files.read("words").decode().split()
    share, where = context.share, f"?{context.target_url}"

    def request(seq: int, _: int) -> Request:
        return Request("GET", f"/{seq}/{words[seq % 2]}/{share.first}of{share.step}{where}", target=seq % 2)

    def observe(response: Response) -> str | None:
        assert response.target == response.seq % 2, response
        return f"{response.seq} can be divided by three" if response.seq % 3 == 0 else None

    return Targeter(request, observe, targets=("even", "odd"))


def unbuildable(params: After, context: BuildContext) -> Targeter:
    """Refuses to be built."""
    raise InvalidParams("there is nothing to send", ".after")


def exiting(params: After, context: BuildContext) -> Targeter:
    """Takes its process down while it is built."""
    os._exit(4)


BUILDERS = (counting, raising, quitting, blind, sorting, crashing, hanging, unbuildable, exiting)

if __name__ == "__main__":
    odd = [TestType(build.__name__, "", After, build) for build in BUILDERS]
    sys.exit(nursery.main(Registry([*TEST_TYPES, *odd])))
