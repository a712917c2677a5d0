"""``allowed_signers`` → the keys that may approve (the format of ssh-keygen(1), ALLOWED SIGNERS)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ordain.config.files import FileText
from ordain.config.load import decode
from ordain.expr.patterns import wildcards
from ordain.values.approval import NAMESPACE, PERSON, Signer
from ordain.values.diagnostic import Diagnostic
from ordain.values.span import Span
from ordain.values.sshkeys import parse_key

_FIELD = re.compile(r'(?:[^ \t"]|"[^"]*(?:"|$))+')
_OPTION = re.compile(r'([A-Za-z-]+)(?:=("[^"\\]*"|[^,]*))?(,|$)')
_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk|rsa|webauthn)-[A-Za-z0-9@.-]+")
_MOMENT = re.compile(r"([0-9]{8})([0-9]{4}(?:[0-9]{2})?)?(?:Z|UTC)?", re.ASCII | re.IGNORECASE)
_LONGEST_SNIPPET = 400
_OPTIONS = ("namespaces", "valid-after", "valid-before")
_KEY_FIX = "write the key as its .pub file has it: ed25519, ecdsa, RSA of 2048 bits and more, or a security key's"
_MOMENT_FIX = 'write it as in valid-after="20270301Z" or "202703011200Z"'


@dataclass(frozen=True, slots=True)
class _Options:
    """What a line says beside people and key; a key that is not for approvals does not ``count``."""

    counts: bool = True
    after: datetime | None = None
    before: datetime | None = None


class _Bad(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


def parse_signers(file: FileText) -> tuple[tuple[Signer, ...], tuple[Diagnostic, ...]]:
    """Return the keys in the order they stand, and a diagnostic for each line that names none.

    Lines are read as ssh-keygen(1) reads them, but a key speaks for one person: patterns, certificate authorities and
    a key on two lines are refused. ``after`` and ``before`` are ISO texts in UTC; a time without a ``Z``, which
    ssh-keygen takes for the local time of whoever asks, is UTC here: it must mean the same everywhere. A key whose
    ``namespaces`` leave out ``ordain-approval`` is somebody else's business and passed over.
    """
    if file.problem is not None:
        return (), (file.problem,)
    diagnostics: list[Diagnostic] = []
    found: dict[str, tuple[Span, Signer]] = {}
    for number, line in enumerate(_lines(file, diagnostics), 1):
        try:
            read = _signer(line)
            if read is None:
                continue
            signer, column = read
            at = Span(file=file.path, line=number, column=column)
            first, known = found.setdefault(signer.key, (at, signer))
            if _meant(known) != _meant(signer):
                raise _bad(
                    "signer-twice",
                    f"this key is there already, for {', '.join(known.people)}",
                    "keep one line: a key speaks for one person, whose addresses stand on it separated by commas",
                    column,
                    ((first, "first here"),),
                )
        except _Bad as bad:
            column = bad.diagnostic.at.column if bad.diagnostic.at is not None else 1
            at = Span(file=file.path, line=number, column=column)
            diagnostics.append(replace(bad.diagnostic, at=at, snippet=_snippet(line)))
    return tuple(signer for _, signer in found.values()), tuple(diagnostics)


def _bad(code: str, summary: str, fix: str, column: int, related: tuple[tuple[Span, str], ...] = ()) -> _Bad:
    """Return what is wrong at a column of a line; the caller knows which line."""
    at = Span(file="", line=1, column=column)
    return _Bad(Diagnostic(code=code, summary=summary, fix=fix, at=at, related=related))


def _meant(signer: Signer) -> tuple[object, ...]:
    return {one.casefold() for one in signer.people}, signer.after, signer.before


def _snippet(line: str) -> str:
    line = line.rstrip()
    return line if len(line) <= _LONGEST_SNIPPET else f"{line[:_LONGEST_SNIPPET]}…"


def _lines(file: FileText, diagnostics: list[Diagnostic]) -> list[str]:
    wrong: list[Diagnostic] = []
    text = decode(file, wrong)
    lone = re.search(rb"\r(?!\n|\Z)", file.data)
    if text is not None and lone is not None:  # to ssh-keygen it breaks no line: what looks like a comment may be none
        line, start = file.data.count(b"\n", 0, lone.start()) + 1, file.data.rfind(b"\n", 0, lone.start()) + 1
        column = len(file.data[start : lone.start()].decode()) + 1
        at = Span(file=file.path, line=line, column=column)
        wrong.append(Diagnostic(code="", summary="a carriage return without a line feed", at=at))
    if not wrong and text is not None:
        return text.split("\n")
    fix = "save the file as UTF-8 text, without control characters"
    diagnostics += (replace(one, code="signer-encoding", fix=fix) for one in wrong)
    return []


def _signer(line: str) -> tuple[Signer, int] | None:
    """Return the key of a line and the column it stands in; None where there is none, or it is for something else."""
    fields = [(match[0], match.start() + 1) for match in _FIELD.finditer(line)]
    if not fields or line.lstrip(" \t").startswith("#"):
        return None
    end = len(line.rstrip()) + 1
    for text, at in fields[:2]:
        if text.count('"') % 2:
            raise _bad("signer-line", "a quote is never closed", "close the quotes", at + text.rindex('"'))
    (people, column), *rest = fields
    options = _Options()
    if len(rest) > 1 and not _begins_key(rest[0][0], rest[1][0]):
        (text, at), *rest = rest
        options = _options(text, at)
    if not options.counts:
        return None
    if len(rest) < 2:
        fix = "write people, options (where there are any), type and key, separated by spaces"
        raise _bad("signer-line", "the line does not name people and a key", fix, end)
    (kind, at), (encoded, _), *_ = rest
    signer = Signer(
        people=tuple(_people(people, column)),
        key=_key(kind, encoded, at),
        after=options.after.isoformat() if options.after else None,
        before=options.before.isoformat() if options.before else None,
    )
    return signer, at


def _begins_key(kind: str, encoded: str) -> bool:
    """Say whether a field is a key's type, be it one that nobody knows: every key's base64 begins with a length."""
    return _KEY_TYPE.fullmatch(kind) is not None or (encoded.startswith("AAAA") and not re.search('[="]', kind))


def _people(text: str, column: int) -> Iterator[str]:
    if len(text) > 1 and text[0] == text[-1] == '"':
        text, column = text[1:-1], column + 1
    seen = set()
    for person in text.split(","):
        if any(sign in person for sign in "*?!"):
            raise _bad(
                "signer-pattern",
                f"{person!r} is a pattern, and a key speaks for one person",
                "write that person's addresses out, separated by commas",
                column,
            )
        if not PERSON.fullmatch(person) or not person.isprintable():
            raise _bad(
                "signer-person", f"{person!r} is no e-mail address", "write one such as alice@example.com", column
            )
        if person.casefold() not in seen:
            yield person
        seen.add(person.casefold())
        column += len(person) + 1


def _key(kind: str, encoded: str, column: int) -> str:
    try:
        return parse_key(f"{kind} {encoded}").text
    except ValueError as error:
        raise _bad("signer-key", f"this is no key that may sign: {error}", _KEY_FIX, column) from None


def _options(text: str, column: int) -> _Options:
    said: dict[str, str] = {}
    places: dict[str, int] = {}
    place = 0
    while place < len(text):
        match = _OPTION.match(text, place)
        name = match[1].lower() if match else ""
        if match is None or name not in (*_OPTIONS, "cert-authority") or (match[3] and match.end() == len(text)):
            found = re.split("[,=]", text[place:], maxsplit=1)[0]
            raise _bad(
                "signer-option",
                f"{found!r} is no option of allowed_signers",
                f"options are {', '.join(_OPTIONS)}, separated by commas, without spaces",
                column + place,
            )
        if name in said:
            raise _bad("signer-option", f"{name} stands there twice", "keep one", column + place)
        value = match[2] or ""
        if name != "cert-authority" and not (len(value) > 1 and value.startswith('"')):
            fix = f'write {name}="…"'
            raise _bad("signer-option", f"the value of {name} is not in double quotes", fix, column + place)
        said[name], places[name] = value[1:-1], column + place
        place = match.end()
    if "namespaces" in said and not _named(said["namespaces"]):
        return _Options(counts=False)
    if "cert-authority" in said:
        raise _bad(
            "signer-authority",
            "certificates are not supported",
            "write a line for each person, with that person's own key",
            places["cert-authority"],
        )
    after, before = (_moment(name, said, places) for name in ("valid-after", "valid-before"))
    if after is not None and before is not None and before <= after:
        raise _bad("signer-time", "valid-before is not later than valid-after", _MOMENT_FIX, places["valid-before"])
    return _Options(after=after, before=before)


def _named(patterns: str) -> bool:
    """Say whether a list of patterns (ssh_config(5)) takes approvals' namespace in: a negated one wins."""
    taken = False
    for one in patterns.split(","):
        if wildcards(one.removeprefix("!")).fullmatch(NAMESPACE):
            if one.startswith("!"):
                return False
            taken = True
    return taken


def _moment(name: str, said: dict[str, str], places: dict[str, int]) -> datetime | None:
    if name not in said:
        return None
    match = _MOMENT.fullmatch(said[name])
    try:
        if match is None:
            raise ValueError
        return datetime.strptime(match[1] + (match[2] or "").ljust(6, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        summary = f"{said[name]!r} is no time as ssh-keygen reads it"
        raise _bad("signer-time", summary, _MOMENT_FIX, places[name]) from None
