"""The layout of files: what it makes of a text, and its laws: it changes no meaning, loses no comment, is stable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from ordain.config.events import Budget, Walk
from ordain.config.files import FileText
from ordain.config.layout import ORDER, formatted
from ordain.config.load import USE_KEYS, parse
from ordain.config.resources import KEYS
from ordain.config.sameness import comments, same

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").rglob("*.yaml"), *(ROOT / "templates").rglob("*.yaml")])

MESSY = """---
# about the document

spec:
    # in
    gates:
    - a >= 1
    -   b: 1
        c: &x [1,
          2]
    - - deep: 1
        er: 2
      -   two
    text: |
      hello   \n        world


      # no comment

    folded: >-
        a b
        c

    keep: |+
      x


    ind: |2
        y
    # ends spec
    plain: one
      two

      three
    quoted: "a
       b \\
         c"
    flow: {
      a: 1, # inside

      b: [2,
        3]
    }



# about labels
labels: {tier:   gold, x: yes, n: 012, "q": 1_000}   # tail
name: a
kind: Model   # what


# the end
---
kind: Value

name: 'b' \n# trailing
---
# only comments
"""
TIDY = """# about the document

kind: Model   # what
name: a

# about labels
labels: {tier:   gold, x: yes, n: 012, "q": 1_000}   # tail
spec:
  # in
  gates:
    - a >= 1
    - b: 1
      c: &x [1,
        2]
    - - deep: 1
        er: 2
      - two
  text: |
    hello   \n      world


    # no comment

  folded: >-
    a b
    c

  keep: |+
    x


  ind: |2
      y
  # ends spec
  plain: one
    two

    three
  quoted: "a
    b \\
    c"
  flow: {
    a: 1, # inside

    b: [2,
      3]
  }

# the end
---
kind: Value

name: 'b'
# trailing
---
# only comments
"""


def test_a_messy_file_becomes_a_tidy_one() -> None:
    assert formatted(MESSY) == TIDY
    assert same(MESSY, TIDY) and formatted(TIDY) == TIDY


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_files_we_ship_are_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("\n\n# only this\n\n\n", "# only this\n"),
        ("kind: A\nname: a", "kind: A\nname: a\n"),
        ("---\n---\n", ""),
        ("---\n\n---\nkind: A\n", "kind: A\n"),
        ("{name: a, kind: A}\n", "{name: a, kind: A}\n"),
        ("  name: a\n  kind: A\n", "kind: A\nname: a\n"),
        ("b: 1\na: 2\n", "b: 1\na: 2\n"),  # no document of ours: its keys are its own
        ("other: 1\nspec: {}\nname: a\nkind: A\n", "kind: A\nname: a\nspec: {}\nother: 1\n"),
        ("with: {a: 1}\nuse: x\n", "use: x\nwith: {a: 1}\n"),
        ("spec: *x\nlabels: &x {}\nkind: A\n", None),
        ("labels: &x {}\nspec: *x\nkind: A\n", "labels: &x {}\nspec: *x\nkind: A\n"),  # the anchor stays before its use
        ("%YAML 1.2\n---\nname: a\nkind:   A", "%YAML 1.2\n---\nname: a\nkind:   A"),
        ("kind: A\nspec: |\n    x", "kind: A\nspec: |\n  x"),
        ("kind: A\nspec: |+\n    x\n\n\n", "kind: A\nspec: |+\n  x\n\n\n"),
        ("name: a\n\nkind: |+\n  A\n", "name: a\n\nkind: |+\n  A\n"),  # a blank line behind it would be its own
        ("? name\n: a\nkind: A\n", "? name\n: a\nkind: A\n"),
        ("kind: A\nspec:\n-   1\n-\n    a: 1\n    b: 2\n", "kind: A\nspec:\n  - 1\n  -\n    a: 1\n    b: 2\n"),
        ("kind: A\n--- # two\nkind: B\n", "kind: A\n--- # two\nkind: B\n"),
        (
            "kind: A\nspec:\n  a: 1\n  # of spec\n# of the document\n",
            "kind: A\nspec:\n  a: 1\n  # of spec\n# of the document\n",
        ),
    ],
)
def test_small_texts(text: str, wanted: str | None) -> None:
    if wanted is not None:
        assert formatted(text) == wanted


def test_a_change_of_meaning_or_a_lost_comment_is_seen() -> None:
    assert not same("a: 1\n", "a: 2\n")
    assert not same("a: 1 # x\n", "a: 1\n")
    assert not same("a: {b: 1, c: 2}\n", "a: {c: 2, b: 1}\n")
    assert not same("a: 1\n", "a: [\n")
    assert same("a: 1\nb: 2\n", "b: 2\na: 1\n")


def test_what_is_a_comment() -> None:
    text = (
        "# one\na: 'x # no' # two\nb: |\n  # no\nc: x#no\nd: [1, # three\n  2]\ne: 'a\n  # no\n  b'\nf: > # four\n  x\n"
    )
    assert comments(text) == sorted(["# one", "# two", "# three", "# four"])


def test_every_key_of_a_document_has_its_place() -> None:
    assert set(KEYS) | set(USE_KEYS) <= set(ORDER)


WORDS = st.sampled_from(["a", "b", "name", "kind", "spec", "x-y", '"q k"'])
PLAIN = st.sampled_from(
    [
        "1",
        "yes",
        "text with words",
        "'it''s'",
        '"a # b"',
        "${{ var.x }}",
        "{a: 1, b: [x]}",
        "[]",
        "~",
        "",
        "x # why",
        "a#b",
    ]
)
NOISE = st.sampled_from(["", "", "", "\n", "\n\n\n", "{}# note\n", "   # far\n", "# left\n", "{}# a\n\n{}# b\n"])


@st.composite
def values(draw: st.DrawFn, indent: int, depth: int) -> str:
    """Return what may follow ``key:``, further lines indented by more than ``indent``."""
    pad = " " * (indent + draw(st.integers(1, 4)))
    kind = draw(st.integers(0, 8))
    if kind == 0:
        header = draw(st.sampled_from(["|", ">", "|-", ">-", "|+", "| # c"]))
        return f" {header}\n{pad}one\n\n{pad}  two  \n{pad}# three\n" + draw(st.sampled_from(["", "\n", "\n\n"]))
    if kind == 1:
        return f" first\n{pad}second\n\n{pad}  third\n"
    if kind == 2:
        return f' "one\n{pad}two \\\n{pad}  three"\n'
    if kind == 3:
        return f" [1, # note\n{pad}  2,\n\n{pad}{{a: 3}}\n{pad}]\n"
    if kind == 4 and depth:
        return "\n" + draw(mappings(indent + draw(st.integers(1, 4)), depth - 1))
    if kind in (5, 6) and depth:
        return "\n" + draw(lists(indent + draw(st.integers(0, 3)), depth - 1))
    return f" {draw(PLAIN)}\n"


@st.composite
def mappings(draw: st.DrawFn, indent: int, depth: int, first: bool = False) -> str:
    keys = draw(st.lists(WORDS, min_size=1, max_size=4, unique=True))
    out = []
    for number, key in enumerate(keys):
        inline = first and not number
        noise = "" if inline else draw(NOISE).format(*[" " * indent] * 2)
        out.append(f"{noise}{'' if inline else ' ' * indent}{key}:{draw(values(indent, depth))}")
    return "".join(out)


@st.composite
def lists(draw: st.DrawFn, indent: int, depth: int) -> str:
    out = []
    for _ in range(draw(st.integers(1, 3))):
        gap = draw(st.integers(1, 3))
        noise = draw(NOISE).format(*[" " * indent] * 2)
        kind = draw(st.integers(0, 2))
        inner = indent + 1 + gap
        if kind == 0 and depth:
            out.append(f"{noise}{' ' * indent}-{' ' * gap}{draw(mappings(inner, depth - 1, first=True))}")
        elif kind == 1 and depth:
            out.append(f"{noise}{' ' * indent}-{draw(values(indent, 0))}")
        else:
            out.append(f"{noise}{' ' * indent}-{' ' * gap}{draw(PLAIN) or '1'}\n")
    return "".join(out)


@st.composite
def files(draw: st.DrawFn) -> str:
    count = draw(st.integers(1, 3))
    documents = [
        draw(mappings(draw(st.sampled_from([0, 0, 0, 2])), 3)) + draw(NOISE).format("", "") for _ in range(count)
    ]
    return draw(st.sampled_from(["", "---\n", "# file\n---\n"])) + "---\n".join(documents)


def is_read(text: str) -> bool:
    for piece in re.split(r"^---.*\n", text, flags=re.M):
        walk = Walk(Budget())
        try:
            walk.run(piece)
        except Exception:
            return False
        if walk.problems:
            return False
    return True


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(files())
def test_laws(text: str) -> None:
    """Laying out changes no meaning, loses no comment, and done twice is done once."""
    assume(is_read(text))
    once = formatted(text)
    assert same(text, once), once
    assert formatted(once) == once
    assert not re.search(r"\A\n|\n\n\Z", once) or "|+" in once
    assert [one.data for one in read(once)] == [one.data for one in read(text)]


def read(text: str) -> list[object]:
    file = FileText(path="a.yaml", data=text.encode(), size=0, mtime_ns=0, ctime_ns=0, inode=0)
    return list(parse((file,))[0])
