"""Markdown as HTML."""

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

_OPEN: Final = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>\n'
_CLOSE: Final = "</table></div>\n"
_SCROLLED: Final = '<pre tabindex="0">'
"""A table or an example may be wider than a phone: then it is scrolled by itself, also with the keyboard."""


def _reader() -> MarkdownIt:
    # Descriptions come from installed packages, too: what looks like HTML in them is shown as text.
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("table_open", _constant(_OPEN))
    reader.add_render_rule("table_close", _constant(_CLOSE))
    return reader


def _constant(html: str) -> Any:
    def render(
        _self: RendererHTML,
        _tokens: Sequence[Token],
        _index: int,
        _options: OptionsDict,
        _env: MutableMapping[str, Any],
    ) -> str:
        return html

    return render


_READER: Final = _reader()


def markdown(text: str, below: int = 3, anchors: str = "") -> Markup:
    """HTML of a text.

    Its highest headings are of the level that comes below the level `below` of HTML's headings. What its links within
    the page lead to is called as they say, behind `anchors`.
    """
    tokens = _READER.parse(text)
    links = [inside for token in tokens for inside in token.children or () if inside.type == "link_open"]
    for link in links:
        target = str(link.attrGet("href"))
        if target.startswith("#"):
            link.attrSet("href", f"#{anchors}{target[1:]}")
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    shift = below + 1 - min((int(token.tag[1:]) for token in headings), default=0)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1:]) + shift)}"
    html = _READER.renderer.render(tokens, _READER.options, {})
    return Markup(html.replace("<pre>", _SCROLLED))  # noqa: S704 - the renderer escapes


def sentence(text: str) -> Markup:
    """HTML of a text that is one paragraph at most, without the paragraph."""
    return Markup(_READER.renderInline(text))  # noqa: S704 - the renderer escapes
