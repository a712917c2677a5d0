"""A stand-in for GitHub's REST API on loopback: as much of it as a plan on a pull request needs, and its bad days.

    with GitHubServer() as server:
        server.add_pull(7, base=base, head=head)
        environ = server.environ(pull=7)    # what a workflow run of that pull request finds in its environment
        server.fail(2, 502)                 # the next two requests; also close=True, after=True (the work is done) …
        server.comments(7), server.statuses(head), server.requests

Like the real one it knows commits only that it was told of (``add_commit``, ``add_pull``), answers lists in pages with
``Link`` headers, counts requests, and refuses what is too long, not permitted, or not there in GitHub's own words.
Tests elsewhere load it by its path (``importlib.util.spec_from_file_location``).
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

DOCS = "https://docs.github.com/rest"
LARGEST, LONGEST = 65_536, 140
STATES = {"error", "failure", "pending", "success"}
BOT = "ghs_workflow0000000000000000000000000"
"""The token that a workflow run has, of the user ``github-actions[bot]``."""
PERMISSIONS = frozenset({"pull-requests", "statuses"})
VERSION = "2022-11-28"

Answer = tuple[int, Any, dict[str, str]]
"""Status, JSON, headers."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose a token is; ``permissions`` are what it may write, as a workflow names them; a fork's has none."""

    login: str
    kind: str = "User"
    permissions: frozenset[str] = PERMISSIONS
    reads: bool = True
    edits_others: bool = False

    def json(self) -> dict[str, Any]:
        return {"login": self.login, "id": int(sha1(self.login.encode()).hexdigest()[:6], 16), "type": self.kind}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that was made, and what it was answered with: 0 where the connection was closed instead."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int
    id: str


@dataclass(kw_only=True)
class Fault:
    """What goes wrong: a status in place of the answer, a closed connection, headers put upon the answer, slowness.

    ``after``: the request does its work first. ``method`` and ``path`` (a regular expression) say which requests are
    meant. Without ``status`` and ``close`` the answer itself is as it would be.
    """

    times: int
    status: int = 0
    close: bool = False
    after: bool = False
    slow: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    method: str = ""
    path: str = ""

    def meant(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and re.search(self.path, path) is not None


class Refused(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status: int, message: str, errors: Any = None, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.json = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors is not None:
            self.json["errors"] = errors


class GitHubServer:
    """One repository, its pull requests, their comments, and the statuses of its commits."""

    def __init__(self, repository: str = "acme/churn", *, clock: Callable[[], float] = time.time) -> None:
        self.repository, self.clock = repository, clock
        self.accounts = {BOT: Account(login="github-actions[bot]", kind="Bot")}
        self.old_names: set[str] = set()
        self.requests: list[Request] = []
        self.remaining, self.reset = 5000, clock() + 3600
        self._pulls: dict[int, dict[str, Any]] = {}
        self._commits: set[str] = set()
        self._comments: list[dict[str, Any]] = []
        self._statuses: list[dict[str, Any]] = []
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(prefix="github-")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"github": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> GitHubServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self._folder.cleanup()

    # What a test sets up and looks at

    def add_commit(self, *commits: str) -> None:
        """Make commits known."""
        self._commits.update(commits)

    def add_pull(self, number: int, *, base: str, head: str, target: str = "main", title: str = "A change") -> None:
        """Open a pull request of ``head`` into ``target``, which stands at ``base``."""
        self.add_commit(base, head)
        self._pulls[number] = {
            "number": number,
            "state": "open",
            "title": title,
            "html_url": f"{self.url}/{self.repository}/pull/{number}",
            "user": Account(login="ann").json(),
            "base": {"ref": target, "sha": base},
            "head": {"ref": f"change-{number}", "sha": head},
            "merged_at": None,
            # While it is open this is a test merge, which is on no branch.
            "merge_commit_sha": sha1(f"{number}{head}".encode()).hexdigest(),
            "commits": [head],
        }

    def push(self, pull: int, head: str) -> None:
        """Push a commit to a pull request's branch."""
        self.add_commit(head)
        found = self._pulls[pull]
        found["head"] = {**found["head"], "sha": head}
        found["commits"].append(head)

    def merge(self, pull: int, commit: str) -> None:
        """Merge a pull request as ``commit``."""
        self.add_commit(commit)
        self._pulls[pull].update(state="closed", merged_at=self._now(), merge_commit_sha=commit)

    def close(self, pull: int) -> None:
        """Close a pull request without merging it."""
        self._pulls[pull]["state"] = "closed"

    def add_comment(self, pull: int, body: str, login: str = "ann", kind: str = "User") -> int:
        """Write a comment as somebody; return its id."""
        with self._lock:
            return int(self._comment(pull, body, Account(login=login, kind=kind))["id"])

    def comments(self, pull: int) -> list[dict[str, Any]]:
        """Return the comments of a pull request, oldest first, as the API shows them."""
        with self._lock:
            return [dict(one) for one in self._comments if one["issue_url"].endswith(f"/issues/{pull}")]

    def statuses(self, commit: str) -> list[dict[str, Any]]:
        """Return the statuses of a commit, newest first; of each context the first is the one that counts."""
        with self._lock:
            return [dict(one) for one in reversed(self._statuses) if one["sha"] == commit]

    def fail(self, times: int = 1, status: int = 0, **fault: Any) -> None:
        """Let the next ``times`` requests go wrong; see ``Fault``."""
        self._faults.append(Fault(times=times, status=status, **fault))

    def limit(self, *, reset_in: float) -> None:
        """Let the primary rate limit be used up until ``reset_in`` seconds from now."""
        self.remaining, self.reset = 0, self.clock() + reset_in

    def limit_secondary(self, times: int = 1, *, retry_after: int | None = None, status: int = 403) -> None:
        """Let the next requests be held back by the secondary rate limit."""
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        body = json.dumps({"message": message, "documentation_url": DOCS, "status": str(status)}).encode()
        self._faults.append(Fault(times=times, status=status, headers=headers, body=body))

    def heal(self) -> None:
        """End all faults and limits."""
        self._faults.clear()
        self.remaining = 5000

    def environ(self, *, pull: int | None = None, commit: str = "", branch: str = "main") -> dict[str, str]:
        """Return the variables of a workflow run: of a pull request, or of a push of ``commit`` to ``branch``."""
        name = "push" if pull is None else "pull_request"
        event: dict[str, Any] = {"repository": {"full_name": self.repository}}
        if pull is None:
            event |= {"ref": f"refs/heads/{branch}", "after": commit}
            ref, sha = f"refs/heads/{branch}", commit
        else:
            event |= {"action": "synchronize", "number": pull, "pull_request": _shown(self._pulls[pull])}
            ref, sha = f"refs/pull/{pull}/merge", self._pulls[pull]["merge_commit_sha"]
        path = Path(self._folder.name) / f"event-{pull or branch.replace('/', '-')}.json"
        path.write_text(json.dumps(event), encoding="utf-8")
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": BOT,
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REF": ref,
            "GITHUB_SHA": sha,
            "GITHUB_RUN_ID": "4711",
            "NO_PROXY": "127.0.0.1",
        }

    # What the API does

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Do what a request asks for. Raises ``Refused``."""
        if not headers.get("user-agent"):
            raise Refused(403, "Request forbidden by administrative rules. Please send a User-Agent header")
        if headers.get("x-github-api-version", VERSION) != VERSION:
            raise Refused(400, "The requested API version is not supported")
        account = self._account(headers.get("authorization", ""))
        self._count()
        route = self._route(path)
        for verb, pattern, needed, work in (
            ("GET", "/user", "", self._get_user),
            ("GET", r"R/pulls/(\d+)", "", self._get_pull),
            ("GET", r"R/issues/(\d+)/comments", "", self._list_comments),
            ("POST", r"R/issues/(\d+)/comments", "pull-requests", self._create_comment),
            ("PATCH", r"R/issues/comments/(\d+)", "pull-requests", self._edit_comment),
            ("POST", r"R/statuses/([^/]+)", "statuses", self._create_status),
            ("GET", r"R/commits/([^/]+)/pulls", "", self._list_pulls_of),
        ):
            match = re.fullmatch(pattern, route)
            if match and verb == method:
                allowed = needed in account.permissions if needed else account.reads or route == "/user"
                if not allowed:
                    self._forbid(account)
                return work(account, query, body if method == "GET" else _parsed(body), *match.groups())
        raise Refused(404, "Not Found")

    def fault(self, method: str, path: str) -> Fault | None:
        """Take the next fault that is meant for a request."""
        with self._lock:
            for one in self._faults:
                if one.meant(method, path):
                    one.times -= 1
                    return one
        return None

    def rates(self) -> dict[str, str]:
        """Return the headers of the primary rate limit."""
        left = {"limit": 5000, "remaining": self.remaining, "used": 5000 - self.remaining, "reset": int(self.reset)}
        return {"x-ratelimit-resource": "core", **{f"x-ratelimit-{name}": str(value) for name, value in left.items()}}

    def _route(self, path: str) -> str:
        """Return the path with ``R`` for the repository, by its name or its number."""
        for old in self.old_names:
            if path.lower().startswith(f"/repos/{old}/".lower()):
                place = f"{self.url}/repositories/1{path[len(f'/repos/{old}') :]}"
                raise Refused(301, "Moved Permanently", Location=place)
        for start in (f"/repos/{self.repository}/", "/repositories/1/"):
            if path.lower().startswith(start.lower()):
                return "R/" + path[len(start) :]
        return path

    def _account(self, given: str) -> Account:
        if not given:
            raise Refused(401, "Requires authentication")
        account = self.accounts.get(given.removeprefix("Bearer "))
        if account is None or not given.startswith("Bearer "):
            raise Refused(401, "Bad credentials")
        return account

    def _count(self) -> None:
        if self.clock() >= self.reset:
            self.remaining, self.reset = 5000, self.clock() + 3600
        if self.remaining == 0:
            raise Refused(403, "API rate limit exceeded for installation ID 1.")
        self.remaining -= 1

    def _forbid(self, account: Account) -> None:
        if account.kind == "Bot":
            raise Refused(403, "Resource not accessible by integration")
        raise Refused(404, "Not Found")  # to a person GitHub does not say that it is there

    def _get_user(self, account: Account, query: Mapping[str, str], body: Any) -> Answer:
        if account.kind == "Bot":
            self._forbid(account)
        return 200, account.json(), {}

    def _get_pull(self, account: Account, query: Mapping[str, str], body: Any, number: str) -> Answer:
        pull = self._found(number)
        return 200, {**_shown(pull), "merged": pull["merged_at"] is not None}, {}

    def _list_comments(self, account: Account, query: Mapping[str, str], body: Any, number: str) -> Answer:
        self._found(number)
        return self._paged(f"issues/{number}/comments", self.comments(int(number)), query)

    def _create_comment(self, account: Account, query: Mapping[str, str], body: Any, number: str) -> Answer:
        self._found(number)
        made = self._comment(int(number), _text(body), account)
        return 201, made, {"Location": made["url"]}

    def _edit_comment(self, account: Account, query: Mapping[str, str], body: Any, number: str) -> Answer:
        found = next((one for one in self._comments if one["id"] == int(number)), None)
        if found is None:
            raise Refused(404, "Not Found")
        if found["user"]["login"] != account.login and not account.edits_others:
            raise Refused(
                403, "Resource not accessible by integration" if account.kind == "Bot" else "Must have admin rights"
            )
        found.update(body=_text(body), updated_at=self._now())
        return 200, dict(found), {}

    def _create_status(self, account: Account, query: Mapping[str, str], body: Any, commit: str) -> Answer:
        if commit not in self._commits:
            raise Refused(422, f"No commit found for SHA: {commit}")
        if body.get("state") not in STATES:
            raise _invalid("Status", "state", "state is not included in the list")
        if len(body.get("description") or "") > LONGEST:
            raise _invalid("Status", "description", f"description is too long (maximum is {LONGEST} characters)")
        if not re.fullmatch(r"(https?://.+)?", body.get("target_url") or ""):
            raise _invalid("Status", "target_url", "target_url must use http(s) scheme")
        made = {"id": len(self._statuses) + 1, "context": "default", **body, "creator": account.json(), "sha": commit}
        self._statuses.append(made)
        return 201, {name: value for name, value in made.items() if name != "sha"}, {}

    def _list_pulls_of(self, account: Account, query: Mapping[str, str], body: Any, commit: str) -> Answer:
        if commit not in self._commits:
            raise Refused(422, f"No commit found for SHA: {commit}")
        merged = [one for one in self._pulls.values() if one["merged_at"] and one["merge_commit_sha"] == commit]
        rest = [one for one in self._pulls.values() if commit in one["commits"] and one not in merged]
        return self._paged(f"commits/{commit}/pulls", [_shown(one) for one in (*rest, *merged)], query)

    def _paged(self, path: str, items: list[Any], query: Mapping[str, str]) -> Answer:
        size = min(int(query.get("per_page", 30)), 100)
        page, last = int(query.get("page", 1)), max(1, -(-len(items) // size))
        near = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
        shown = ("prev", "first") if page >= last else ("next", "last") if page == 1 else tuple(near)
        place = f"{self.url}/repositories/1/{path}?per_page={size}&page="
        link = ", ".join(f'<{place}{near[name]}>; rel="{name}"' for name in shown)
        return 200, items[(page - 1) * size : page * size], {"Link": link} if last > 1 else {}

    def _found(self, number: str) -> dict[str, Any]:
        if int(number) not in self._pulls:
            raise Refused(404, "Not Found")
        return self._pulls[int(number)]

    def _comment(self, pull: int, body: str, account: Account) -> dict[str, Any]:
        number, now = 1000 + len(self._comments), self._now()
        made = {
            "id": number,
            "url": f"{self.url}/repos/{self.repository}/issues/comments/{number}",
            "html_url": f"{self.url}/{self.repository}/pull/{pull}#issuecomment-{number}",
            "issue_url": f"{self.url}/repos/{self.repository}/issues/{pull}",
            "user": account.json(),
            "body": body,
            "created_at": now,
            "updated_at": now,
        }
        self._comments.append(made)
        return dict(made)

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(pull: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pull.items() if name != "commits"}


def _parsed(body: bytes) -> Any:
    try:
        parsed = json.loads(body)
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if not isinstance(parsed, dict):
        raise Refused(400, "Body should be a JSON object")
    return parsed


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("body")
    if not isinstance(text, str) or not text.strip():
        raise Refused(
            422, "Validation Failed", [{"resource": "IssueComment", "code": "missing_field", "field": "body"}]
        )
    if len(text) > LARGEST:
        raise _invalid("IssueComment", "data", f"Body is too long (maximum is {LARGEST} characters)", "unprocessable")
    return text


def _invalid(resource: str, place: str, message: str, code: str = "custom") -> Refused:
    return Refused(422, "Validation Failed", [{"resource": resource, "code": code, "field": place, "message": message}])


class _Handler(BaseHTTPRequestHandler):
    github: GitHubServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: otherwise each answer waits for an acknowledgement

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        github = self.github
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        fault = github.fault(self.command, url.path)
        if fault and fault.slow:
            time.sleep(fault.slow)
        answer: Answer = (500, {"message": "Server Error"}, {})
        if fault is None or fault.after or not (fault.status or fault.close):
            answer = self._worked(url.path, query, headers, body)
        status, sent = (fault.status, {}) if fault and fault.status else (answer[0], answer[2])
        told = fault.headers if fault else {}
        with github._lock:
            number = f"{len(github.requests) + 1:04X}:ORDAIN"
            kept = json.loads(body) if body.startswith(b"{") and body.endswith(b"}") else body or None
            status = 0 if fault and fault.close else status
            github.requests.append(
                Request(
                    method=self.command,
                    path=url.path,
                    query=query,
                    headers=headers,
                    body=kept,
                    status=status,
                    id=number,
                )
            )
        if status == 0:
            self.close_connection = True
            return
        data = (
            json.dumps(answer[1]).encode() if not (fault and fault.status) else fault.body or b"<html>Unicorn!</html>"
        )
        self.send_response(status)
        for name, value in {**github.rates(), **sent, "X-GitHub-Request-Id": number, **told}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _worked(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            with self.github._lock:
                return self.github.answer(self.command, path, query, headers, body)
        except Refused as refused:
            return refused.status, refused.json, refused.headers

    def log_message(self, format: str, *args: object) -> None:
        pass
