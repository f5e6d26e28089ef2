"""Plans are validated by their load testers before they run."""

import anyio
import httpx
import pytest

from load_starter.plan import Place, Plan
from load_starter.testing import FakeLoadTester, VirtualClock, plan_of, served
from load_starter.validation import Findings, Flaw, validate


def found(plan: Plan) -> Findings:
    """What is found out about a plan."""

    async def ask() -> Findings:
        async with httpx.AsyncClient() as http:
            return await validate(plan, http, VirtualClock())

    return anyio.run(ask)


def test_each_load_tester_is_asked_about_its_own_tests() -> None:
    """One does not know a test type that the other has; flaws are in the order of the plan."""
    slip = {"error": "unknown", "path": "$.testType"}
    first, second = FakeLoadTester(flaws={"b": slip}), FakeLoadTester(flaws={"a": slip})
    with served(first) as one, served(second) as other:
        script = "".join(
            f"add_vegeta_test(Second, '{kind}', 1, Second, {{}}, url='{url}')\n"
            for kind, url in (("a", one), ("a", other), ("b", one), ("b", other))
        )
        findings = found(plan_of(script + "add_sleep(Second)"))
    flaws = [Flaw(Place("plan.star", line), title, "unknown (at test_type)") for line, title in ((2, "a"), (3, "b"))]
    assert findings == Findings(valid=2, flaws=tuple(flaws))
    assert (first.requests, second.requests) == (["POST /validate"], ["POST /validate"])


def test_a_plan_without_tests_needs_nobody() -> None:
    """There is nothing to find out."""
    assert found(plan_of("add_sleep(Second)")) == Findings()


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("$.params.spans[0].op", " (at config.spans[0].op)"),
        ("$.params", " (at config)"),
        ("$.attackDuration", " (at duration)"),
        ("$.numMessages", " (at freq)"),
        ("$.per", " (at per)"),
        ("$.labels[0]", " (at labels[0])"),
        ("$.labels", " (at labels)"),
        ("$", ""),
    ],
)
def test_a_flaw_names_the_argument_of_the_script(path: str, where: str) -> None:
    """Not the key of the command, which the author of the script has never seen."""
    with served(FakeLoadTester(flaws={"a": {"error": "wrong", "path": path}})) as url:
        (flaw,) = found(plan_of(f"add_vegeta_test(Second, 'a', 1, Second, {{}}, name='n', url='{url}')")).flaws
    assert str(flaw) == f"plan.star:1: n: wrong{where}"
