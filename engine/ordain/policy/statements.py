"""What a person signs, as text: the signed bytes, and a block that travels in a comment or a mail."""

from __future__ import annotations

import re
from typing import Any, cast

from ordain.values.approval import Approval, Statement
from ordain.values.codec import canonical, decode, dumps, loads

LATEST = 1
"""The format of statements that is written and read."""
_FIELDS = ("at", "environment", "format", "person", "plan", "project")
_OVERRIDES = ("policy", "reason", "until", "violations")
_LONGEST = 65_536
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_FENCE = "```"
_QUOTED = re.compile(r"\s*(?:>\s?)*")


def statement_text(statement: Statement) -> str:
    """Return what is signed: one line of JSON with sorted keys.

    Who overrides, and when, is who signs, and when: an override says neither. The fields are named here, so that a
    value that gets another one does not make what people signed unreadable.
    """
    fields: dict[str, object] = {name: getattr(statement, name) for name in _FIELDS}
    overrides = [{name: getattr(one, name) for name in _OVERRIDES} for one in statement.overrides]
    return canonical({**fields, "overrides": overrides}).decode()


def read_statement(text: str) -> Statement:
    """Return the statement that was signed; raise ``ValueError``, in words, where the text is none.

    There is one way to write a statement: another order of keys, a key that is there twice or unknown, a line break
    at the end, or a character that hides is refused.
    """
    if len(text) > _LONGEST:
        raise ValueError("it is too long for a statement")
    try:
        data = loads(text)
    except ValueError:
        raise ValueError("it is no JSON") from None
    if not isinstance(data, dict):
        raise ValueError("it is no statement")
    if data.get("format") != LATEST:
        raise ValueError(f"it is not written in format {LATEST}, which is the one this Ordain reads")
    try:
        said = {"by": data.get("person"), "at": data.get("at")}
        overrides = [{**one, **said} for one in cast("Any", data.get("overrides", ()))]
        statement = decode(Statement, {**data, "overrides": overrides})
        same = statement_text(statement) == text
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"it is no statement: {error}") from None
    if not same:
        raise ValueError("it is not written as statements are")
    _check_characters(statement)
    return statement


def block(approval: Approval) -> str:
    """Return an approval as Markdown that a person can read and paste anywhere; ``blocks`` finds it again.

    Raises ``ValueError`` where its text is no statement, or its signature has no armour.
    """
    statement = read_statement(approval.text)
    lines = approval.signature.replace("\r\n", "\n").strip("\n").split("\n")
    if lines[0] != _BEGIN or lines[-1] != _END or _END in lines[:-1]:
        raise ValueError("it has no SSH signature")
    person, plan, at = (_code(one) for one in (statement.person, statement.plan, statement.at))
    where = f"{_code(statement.project)} in {_code(statement.environment)}"
    parts = [f"{person} approves plan {plan} of {where}, at {at}."]
    parts += (
        f"It bears with violations of {_code(str(one.policy))} until {_code(one.until)}: {_code(one.reason)}."
        for one in statement.overrides
    )
    pretty = dumps(loads(approval.text), indent=True).decode()
    parts += (f"{_FENCE}json\n{pretty}\n{_FENCE}", "\n".join((_FENCE, *lines, _FENCE)))
    return "\n\n".join(parts) + "\n"


def blocks(text: str) -> tuple[Approval, ...]:
    """Return every approval in a text, once each, in order; whatever else stands there is passed over.

    Lines may end as anybody's do, be indented or quoted with ``> ``. Nothing is judged: what is no statement, or
    signed by nobody, shows when it is verified. Never raises.
    """
    found: dict[Approval, None] = {}
    statement = ""
    collected: list[str] | None = None
    ends = ""
    for raw in re.split(r"\r\n|\r|\n", text):
        line = raw[cast("re.Match[str]", _QUOTED.match(raw)).end() :].rstrip()
        if line == f"{_FENCE}json":
            collected, ends = [], _FENCE
        elif line == _BEGIN:
            collected, ends = [line], _END
        elif collected is None:
            continue
        elif line != ends:
            collected.append(line)
        elif ends == _FENCE:
            statement, collected = _statement_in("\n".join(collected)), None
        else:
            if statement:
                found[Approval(text=statement, signature="\n".join((*collected, line, "")))] = None
            statement, collected = "", None
    return tuple(found)


def _statement_in(text: str) -> str:
    """Return the signed bytes that a block's JSON shows, or "": spaces and line breaks may have come in between."""
    try:
        data: Any = loads(text)
        return canonical(data).decode() if isinstance(data, dict) else ""
    except (ValueError, TypeError):
        return ""


def _code(text: str) -> str:
    """Return text that Markdown takes for nothing but itself."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _check_characters(statement: Statement) -> None:
    """Raise ``ValueError`` for what a terminal obeys instead of showing; a reason may have lines."""
    words = [statement.project, statement.environment, statement.plan, statement.person, statement.at]
    for one in statement.overrides:
        words += (one.until, *one.violations, *one.reason.split("\n"))
    if not all(word.isprintable() for word in words):
        raise ValueError("it holds characters that do not show")
