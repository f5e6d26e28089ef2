"""The page of documentation about the bundled test types, `docs/test-types.md`, made from their declarations."""

import sys
from typing import Final

from load_tester.domain.reference import RULES, sections
from test_types import TEST_TYPES

INTRODUCTION: Final = """\
# Test types

<!-- Written by `make docs`; change the declarations in test_types/ instead. -->

A test type says what an attack sends. A command names one with `testType` and describes its payloads with `params`.
You can [add your own](writing-test-types.md) from a package of yours. `load-tester types` and the daemon's `/docs` show
the same for the installation at hand, added types included.

What holds for the parameters of all of them:

"""
ENVELOPES: Final = """\

## Where Sentry envelopes go

Sessions, transactions, metric buckets and, unless they are for the store endpoint, events are sent as envelopes:
`POST {target}/api/{project_id}/envelope/` with the headers `X-Sentry-Auth: Sentry sentry_key=<key>,sentry_version=7` and
`Content-Type: application/x-sentry-envelope`. The body is three lines of JSON, each with a newline at its end, also the
last: the envelope header (`event_id` and `sent_at`; transactions and metric buckets add `public_key` and `trace_id`),
the item header with the type and the length of the payload in bytes, and the payload.

Each hit goes to one of `numProjects` projects, each equally likely (`transactionV2` has profiles instead). Without a
projects file they are made up: the ids are `1` to `numProjects`, and the key is 32 characters that end in the id, filled
up with `a` from the left, so that a fake Sentry can tell the project from the key. With a `projects.json` they are the
first `numProjects` of that file; asking for more than it lists is refused. An id or slug in the file may consist of
ASCII letters, digits and `._~-`, a key of visible ASCII characters without the comma.

Texts are JSON with `<`, `>` and `&` written as `\\u003c`, `\\u003e` and `\\u0026`, as Go's encoder does, so that payloads
are as long as those of the Go tool these types are compatible with; other characters beyond ASCII are UTF-8.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return INTRODUCTION + RULES + ENVELOPES + "\n## The test types\n\n" + sections(TEST_TYPES)


if __name__ == "__main__":
    sys.stdout.write(page())
