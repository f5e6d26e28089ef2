"""The page for people, `/docs`."""

import itertools
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, Registry, TestType
from load_tester.web.app import ENDPOINTS
from load_tester.web.markdown import markdown, sentence
from load_tester.web.page import anchor, page
from test_types import TEST_TYPES
from tests.web.serving import daemon

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Read(HTMLParser):
    """What matters of a page: its tags with their attributes, its text, and whether its tags match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.is_well_formed = True
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.is_well_formed = self.is_well_formed and not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See whether it closes the last one."""
        self.is_well_formed = self.is_well_formed and bool(self._open) and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data

    def values(self, attribute: str) -> list[str]:
        """All values of an attribute."""
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


class Foot(msgspec.Struct, frozen=True, tag_field="by", tag="foot", forbid_unknown_fields=True):
    """On foot."""

    pace: Annotated[int, Meta(ge=1, description="Steps.", extra={"unit": "per minute"})] = 90


class Train(msgspec.Struct, frozen=True, tag_field="by", tag="train", forbid_unknown_fields=True):
    """By train."""

    line: Annotated[str, Meta(description="Which one.")]


class TripParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trip."""

    ways: Annotated[tuple[Foot | Train, ...], Meta(description="How to <b>go</b>, `one` by one.")] = ()
    note: Annotated[str | None, Meta(description="A note.")] = None


def _build(_params: TripParams, _context: BuildContext) -> Targeter:
    return Targeter(lambda _seq, _now_ns: Request("GET", "/"))


TRIP = TestType(
    name="trip",
    summary="A <trip>.",
    params=TripParams,
    build=_build,
    description="# Of trips\n\n<script>x</script>\n\n| a |\n|---|\n| b |\n",
    unavailable="no <shoes>",
)
PAGE = page(ENDPOINTS, Registry([*TEST_TYPES, TRIP]))
READ = Read(PAGE)


def test_the_page_is_well_formed() -> None:
    """Tags match, ids are unique, headings do not skip a level, and links within the page lead somewhere."""
    assert READ.is_well_formed
    ids = READ.values("id")
    assert len(set(ids)) == len(ids)
    levels = [int(tag[1]) for tag, _ in READ.tags if re.fullmatch("h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
    inside = [link.removeprefix("#") for link in READ.values("href") if link.startswith("#")]
    assert set(inside) <= set(ids)
    assert set(READ.values("aria-labelledby")) <= set(ids)


def test_the_page_works_offline() -> None:
    """It loads no script, and no style, image or font of another file or host."""
    tags = {tag for tag, _ in READ.tags}
    assert not tags & {"script", "img", "iframe", "object", "embed"}
    assert READ.values("src") == []
    assert {link for link in READ.values("href") if not link.startswith("#")} == {
        "data:,",
        "openapi.json",
        "test-types",
    }
    style = resources.files("load_tester.web").joinpath("templates/docs.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    assert style.strip() in PAGE


def test_the_page_can_be_used_without_a_mouse_and_without_seeing() -> None:
    """It has a language, landmarks, a way past the contents, and what can be scrolled can be reached by keyboard."""
    attributes = dict(reversed(READ.tags))
    assert attributes["html"]["lang"] == "en"
    assert {"header", "nav", "main"} <= attributes.keys()
    assert READ.values("href")[1] == "#content"
    scrollable = [attrs for tag, attrs in READ.tags if tag == "pre" or attrs.get("class") == "wide"]
    assert scrollable
    assert all(attrs["tabindex"] == "0" for attrs in scrollable)


def test_everything_is_on_the_page() -> None:
    """Each route with its replies and query parameters, and each test type."""
    ids = set(READ.values("id"))
    for endpoint in ENDPOINTS:
        assert endpoint.path in READ.text
        assert anchor(f"{endpoint.methods[0]} {endpoint.path}") in ids
        for reply in endpoint.all_replies:
            assert str(sentence(reply.meaning)) in PAGE
    assert {f"test-type.{test_type.name}" for test_type in (*TEST_TYPES, TRIP)} <= ids


def names(declared: tuple[Parameter, ...], prefix: str) -> set[str]:
    """The anchors of parameters and of all that is in them."""
    return {
        name
        for parameter in declared
        for name in (f"{prefix}.{parameter.name}", *names(parameter.members, f"{prefix}.{parameter.name}"))
    }


@pytest.mark.parametrize("test_type", [*TEST_TYPES, TRIP], ids=lambda test_type: test_type.name)
def test_every_parameter_has_its_place(test_type: TestType[Any]) -> None:
    """Also those inside of others, of each kind of object; a link can lead to each."""
    assert names(parameters(test_type.params), f"test-type.{test_type.name}") <= set(READ.values("id"))


def test_what_installed_packages_say_is_shown_as_text() -> None:
    """Markup in a description does not become a part of the page; Markdown does."""
    assert "<script>" not in PAGE
    assert "<script>x</script>" in READ.text
    assert "A <trip>." in READ.text
    assert "It cannot be run here: no <shoes>" in READ.text
    assert "How to <b>go</b>, one by one." in READ.text
    assert "<h5>Of trips</h5>" in PAGE
    assert {"test-type.trip.ways.foot.pace", "test-type.trip.ways.train.line"} <= set(READ.values("id"))
    assert "1 or more per minute · default 90" in " ".join(READ.text.split())


def test_headings_of_markdown_fit_below_those_around_them() -> None:
    """The highest becomes the next level, whatever it was, and none is lower than HTML has."""
    assert str(markdown("# a\n\n### b", below=2)) == "<h3>a</h3>\n<h5>b</h5>\n"
    assert str(markdown("## a", below=6)) == "<h6>a</h6>\n"


def test_links_of_markdown_lead_to_the_places_of_the_page() -> None:
    """Those within it are called otherwise than in the document that the text was written for."""
    html = str(markdown("[a](#b), [c](https://d.test/#e)", anchors="x."))
    assert html == '<p><a href="#x.b">a</a>, <a href="https://d.test/#e">c</a></p>\n'


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_colours_can_be_read(theme: int) -> None:
    """Each colour of text has the contrast that WCAG 2.2 asks for (4.5 to 1), on paper and in the shade."""
    style = resources.files("load_tester.web").joinpath("templates/docs.css").read_text()
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
    for name in ("ink", "soft", "link", "get", "post", "delete", "fine", "bad", "broken"):
        for ground in ("paper", "shade"):
            bright, dim = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (name, ground)


@pytest.mark.anyio
async def test_the_page_is_served_and_forbids_content_of_other_hosts(tmp_path: Path) -> None:
    """As HTML, with a policy that a browser enforces."""
    async with daemon(tmp_path) as it:
        reply = await it.client.get("/docs")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert 'id="test-type.plain.numProjects"' in reply.text
