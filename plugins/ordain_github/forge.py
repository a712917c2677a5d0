"""One repository on GitHub, as the contract of a forge has it, from within a workflow run."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ordain.api import Annotation, Comment, CommitStatus, Forge, Pull, seconds
from ordain_github.client import PATIENCE, Client, Timing
from ordain_github.problems import Ask, Refusal, bad_variable, no_token, odd_answer, too_long

_TAKES = 65_536
_DESCRIPTION = 140
_STAMP = "\n\n<!-- ordain:posted:{} -->"
_STAMPED = re.compile(r"(?:\r?\n){2}<!-- ordain:posted:([0-9a-f]{16}) -->\s*\Z")
_TALK, _SAY, _READ = "`pull-requests: write`", "`statuses: write`", "`contents: read` and `pull-requests: read`"
_QUOTED = re.compile(r"^ {0,3}>")


class GitHub(Forge):
    """The repository of a workflow run; see ``connect``.

    A new comment ends in a stamp of its own, invisible on the page, by which it is found where GitHub's answer to it
    was lost. Reading takes the stamp off.
    """

    largest_comment = _TAKES - len(_STAMP.format("0" * 16))

    def __init__(self, repository: str, client: Client, *, ref: str = "", event: str = "", run_url: str = "") -> None:
        self.repository, self.run_url = repository, run_url
        self._client, self._ref, self._event = client, ref, event
        self._repo = f"/repos/{repository}"

    @classmethod
    def connect(cls, environ: Mapping[str, str], timing: Timing | None = None) -> GitHub | None:
        """Return the repository that GITHUB_REPOSITORY names; None where it is not set.

        Reads GITHUB_TOKEN, GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_RUN_ID, GITHUB_REF, GITHUB_EVENT_PATH,
        HTTPS_PROXY, NO_PROXY and ORDAIN_GITHUB_PATIENCE. Raises ``OrdainError`` that names the variable that is
        missing or cannot be used.
        """
        repository = environ.get("GITHUB_REPOSITORY", "").strip()
        if not repository:
            return None
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
            raise bad_variable("GITHUB_REPOSITORY", f"is {repository!r}", "write OWNER/NAME")
        base = _base(environ)
        client = Client(base, _token(environ), proxy=_proxy(environ, base), patience=_patience(environ), timing=timing)
        server, run = environ.get("GITHUB_SERVER_URL", "").rstrip("/"), environ.get("GITHUB_RUN_ID", "")
        return cls(
            repository,
            client,
            ref=environ.get("GITHUB_REF", ""),
            event=environ.get("GITHUB_EVENT_PATH", ""),
            run_url=f"{server}/{repository}/actions/runs/{run}" if server and run else "",
        )

    def pull(self, number: int) -> Pull:
        ask = Ask(method="GET", path=f"{self._repo}/pulls/{number}", doing=f"read pull request {number}", needs=_READ)
        return _pull(ask, self._client.ask(ask))

    def pull_here(self) -> int | None:
        match = re.match(r"refs/pull/([0-9]+)/", self._ref)
        if match:
            return int(match[1])
        if not self._event:
            return None
        try:
            event = json.loads(Path(self._event).read_bytes())
        except (OSError, ValueError):
            fix = "leave it as GitHub sets it; in a container, mount the folder it names"
            raise bad_variable("GITHUB_EVENT_PATH", f"names {self._event}, which is no file of JSON", fix) from None
        return _pull_of_event(event)

    def pull_of(self, commit: str) -> Pull | None:
        path = f"{self._repo}/commits/{quote(commit, safe='')}/pulls"
        ask = Ask(method="GET", path=path, doing=f"find the pull request of commit {commit[:12]}", needs=_READ)
        merged = [(_pull(ask, raw), raw["merged_at"]) for raw in self._client.pages(ask) if _merged(ask, raw)]
        branch = self._ref.removeprefix("refs/heads/")
        # A commit may have gone through several: the one that made it, else the one into the branch of this run.
        best = max(merged, key=lambda one: (one[0].merged == commit, one[0].target == branch, one[1]), default=None)
        return best[0] if best else None

    def comments(self, pull: int) -> Iterator[Comment]:
        ask = self._listing(pull)
        for raw in self._client.pages(ask):
            yield _comment(ask, raw)

    def comment(self, pull: int, body: str, marker: str) -> Comment:
        self._fits(body)
        if not _carries(body, marker):
            raise ValueError("the marker must stand in the comment, on a line that is no quotation")
        ask = self._listing(pull)
        marked = [raw for raw in self._client.pages(ask) if _carries(_comment(ask, raw).body, marker)]
        for raw in reversed(self._ours(marked)):
            path, doing = f"{self._repo}/issues/comments/{raw['id']}", f"edit its comment on pull request {pull}"
            edit = Ask(method="PATCH", path=path, doing=doing, needs=_TALK, body={"body": body})
            try:
                return _comment(edit, self._client.ask(edit))
            except Refusal as refusal:
                if refusal.status not in (403, 404, 410):  # not ours after all, or deleted meanwhile
                    raise
        return self.add_comment(pull, body)

    def add_comment(self, pull: int, body: str) -> Comment:
        self._fits(body)
        nonce = secrets.token_hex(8)
        listing = self._listing(pull)

        def posted() -> Any:
            return next((raw for raw in self._client.pages(listing) if _nonce(raw) == nonce), None)

        ask = Ask(
            method="POST",
            path=f"{self._repo}/issues/{pull}/comments",
            doing=f"comment on pull request {pull}",
            needs=_TALK,
            body={"body": body + _STAMP.format(nonce)},
        )
        return _comment(ask, self._client.ask(ask, done=posted))

    def status(self, status: CommitStatus) -> None:
        words = status.description
        body = {
            "state": status.state.value,
            "context": status.context,
            "description": words if len(words) <= _DESCRIPTION else words[: _DESCRIPTION - 1] + "…",
        }
        url = status.url or self.run_url
        self._client.ask(
            Ask(
                method="POST",
                path=f"{self._repo}/statuses/{quote(status.commit, safe='')}",
                doing=f"set a status on commit {status.commit[:12]}",
                needs=_SAY,
                body={**body, "target_url": url} if url else body,
            )
        )

    def annotations(self, annotations: tuple[Annotation, ...]) -> str:
        """Return workflow commands, one a line (GitHub's documentation, "Workflow commands for GitHub Actions")."""
        return "".join(map(_command, annotations))

    def _listing(self, pull: int) -> Ask:
        path = f"{self._repo}/issues/{pull}/comments"
        return Ask(method="GET", path=path, doing=f"read the comments of pull request {pull}", needs=_READ)

    def _ours(self, marked: list[Any]) -> list[Any]:
        """Return the comments that we may have written.

        A person's comment is not taken over, though the API lets a workflow edit it: its author could edit it too,
        and would speak in our name.
        """
        if not marked:
            return []
        ask = Ask(method="GET", path="/user", doing="ask whose its token is", needs="a valid token")
        try:
            login = self._client.ask(ask).get("login")
        except Refusal:  # an app's token has no user
            return [raw for raw in marked if (raw["user"] or {}).get("type") == "Bot"]
        return [raw for raw in marked if (raw["user"] or {}).get("login") == login]

    def _fits(self, body: str) -> None:
        if len(body) > self.largest_comment:
            raise too_long(len(body), self.largest_comment)


def _base(environ: Mapping[str, str]) -> str:
    base = environ.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    fix = "write the address of the REST API, such as https://api.github.com or https://HOST/api/v3"
    try:
        parts = urlsplit(base)
        usable = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise bad_variable("GITHUB_API_URL", "is no address of a server", fix)
    local = parts.hostname == "localhost" or re.fullmatch(r"127\.[0-9.]+|::1", parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise bad_variable("GITHUB_API_URL", f"begins with {parts.scheme}: the token would travel in the clear", fix)
    return base


def _token(environ: Mapping[str, str]) -> str:
    token = environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise no_token()
    if not re.fullmatch(r"[!-~]+", token):  # it would be shown by whoever refuses to put it into a header
        raise bad_variable("GITHUB_TOKEN", "holds characters that no token has", "set it to the token alone")
    return token


def _proxy(environ: Mapping[str, str], base: str) -> str:
    def given(name: str) -> str:
        return (environ.get(name) or environ.get(name.upper()) or "").strip()

    parts, proxy = urlsplit(base), given("https_proxy")
    if not proxy or parts.scheme != "https":
        return ""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed leaves it out

    if proxy_bypass_environment(parts.hostname or "", {"no": given("no_proxy")}):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _patience(environ: Mapping[str, str]) -> float:
    text = environ.get("ORDAIN_GITHUB_PATIENCE", "").strip()
    try:
        return seconds(text) if text else PATIENCE
    except ValueError as error:
        raise bad_variable("ORDAIN_GITHUB_PATIENCE", f"is {text!r}", str(error)) from None


def _pull_of_event(event: Any) -> int | None:
    for name in ("pull_request", "issue"):
        found = event.get(name) if isinstance(event, dict) else None
        if isinstance(found, dict) and (name == "pull_request" or "pull_request" in found):
            number = found.get("number")
            return number if isinstance(number, int) else None
    return None


def _merged(ask: Ask, raw: Any) -> bool:
    if not isinstance(raw, dict):
        raise odd_answer(ask, "a pull request was expected")
    return bool(raw.get("merged_at"))


def _pull(ask: Ask, raw: Any) -> Pull:
    try:
        return Pull(
            number=raw["number"],
            title=raw["title"],
            base=raw["base"]["sha"],
            head=raw["head"]["sha"],
            target=raw["base"]["ref"],
            url=raw["html_url"],
            merged=raw["merge_commit_sha"] if raw["merged_at"] else None,  # while open that is a test merge
        )
    except (KeyError, TypeError):
        raise odd_answer(ask, "a pull request was expected") from None


def _comment(ask: Ask, raw: Any) -> Comment:
    try:
        author = raw["user"]["login"] if raw["user"] else "ghost"  # whose account is gone
        body = _STAMPED.sub("", raw["body"] or "")
        return Comment(id=raw["id"], author=author, body=body, url=raw["html_url"])
    except (KeyError, TypeError):
        raise odd_answer(ask, "a comment was expected") from None


def _nonce(raw: Any) -> str:
    found = _STAMPED.search(raw.get("body") or "") if isinstance(raw, dict) else None
    return found[1] if found else ""


def _carries(body: str, marker: str) -> bool:
    """Return whether a comment has a marker itself, and not only quotes one that has."""
    return any(marker in line for line in body.split("\n") if not _QUOTED.match(line))


def _command(one: Annotation) -> str:
    level = one.level if one.level in ("error", "warning", "notice") else "notice"
    place = {"file": one.file, "line": one.line, "col": one.column} if one.file else {}
    given = {**place, "title": one.title} if one.title else place
    spelled = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in given.items())
    return f"::{level} {spelled}::{_escaped(one.message)}\n" if spelled else f"::{level}::{_escaped(one.message)}\n"


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + more else c for c in text)
