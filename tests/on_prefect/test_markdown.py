"""Foreign text in Markdown, read back by a parser of Markdown; and artifacts that hide what is secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

import wdprefect
from tests.on_prefect.seen import Api
from wdprefect.loader import load_text
from wdprefect.on_prefect.markdown import block, code, literal

SPECIAL = st.text(st.sampled_from("ab _-*`[]()<>|&;~!#\\/:.\"'\n"), max_size=12).filter(str.strip)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What Markdown gives a meaning is hidden before it is written, not after.
SECRET = "gehe*im_`n|is"
LOOP = """\
id: hidden
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["{{ secret('TOKEN') }}"]
    tasks:
      - id: wdir
        type: io.kestra.plugin.core.flow.WorkingDirectory
        outputFiles: ["*.txt"]
        tasks:
          - id: write
            type: io.kestra.plugin.scripts.shell.Commands
            commands: ["echo a > a.txt"]
"""


@given(SPECIAL)
@example("[x](y)")
@example("![x](y)")
@example("<img src=x>")
@example("a|b\\|c")
@example("&lt;")
@example("_a_ a_b __c__")
def test_text_in_a_table(text: str) -> None:
    """A cell shows the text, its blanks as one, and nothing else."""
    tokens = PARSER.parse(f"| {literal(text)} | x |\n|---|---|\n| {literal(text)} | x |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [" ".join(text.split()), "x"] * 2 == list(map(shown, cells))


@given(SPECIAL)
@example("`")
@example("a``b")
def test_text_as_code(text: str) -> None:
    """A line shows the text as code, its blanks as one, and nothing else as code."""
    inline = PARSER.parse(f"- {code(text)}, 1 byte\n")[3]
    found = [child.content for child in inline.children or () if child.type == "code_inline"]
    assert [" ".join(text.split())] == found
    assert f"{found[0]}, 1 byte" == shown(inline)


@given(st.text(st.sampled_from("a `~#-\n"), max_size=20).filter(lambda text: text.rstrip("\n")))
@example("```\na\n````")
def test_text_as_a_block(text: str) -> None:
    """A block shows the text line by line, and ends where the text ends."""
    first, *rest = PARSER.parse("\n".join([*block(text), "", "after"]))
    assert ("fence", text.rstrip("\n") + "\n") == (first.type, first.content)
    assert ["after"] == [token.content for token in rest if token.type == "inline"]


def shown(inline: Token) -> str:
    """What a person reads, where nothing but text and code is."""
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "text_special", "code_inline"}, children
    return "".join(child.content for child in children)


@pytest.mark.server
def test_secrets_in_names(api: Api) -> None:
    """A secret over which a loop goes is seen in no artifact: neither in a key nor in a description, nor on a page."""
    execution = wdprefect.run(load_text(LOOP), secrets={"TOKEN": SECRET})
    assert "SUCCESS" == execution.state, execution.error
    found = api.until(lambda: [one for one in api.artifacts(execution.id) if one["key"]], lambda ones: len(ones) >= 2)
    text = json.dumps([[one["key"], one["description"], one["data"]] for one in found])
    assert "wdir[" in text
    assert [] == [part for part in ("gehe", "im_", "n|is") if part in text]
