"""GitHub as a forge, against a server on loopback that behaves as GitHub does. Time is ours: nothing really waits."""

from __future__ import annotations

import importlib.util
import json
import logging
import select
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ordain.api import Annotation, Comment, CommitStatus, ExitCode, Forge, OrdainError, State
from ordain.testing.forge import BASE, HEAD, MARK, MERGED, PULL, ForgeContract
from ordain_github import client
from ordain_github.client import Timing
from ordain_github.forge import GitHub

_SPEC = importlib.util.spec_from_file_location("github_server", Path(__file__).with_name("server.py"))
assert _SPEC is not None and _SPEC.loader is not None
github = sys.modules["github_server"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(github)

COMMENTS, POSTS = f"/issues/{PULL}/comments", {"method": "POST", "path": "/comments"}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 1_800_000_000.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(now=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(time: Time) -> Iterator[Any]:
    with github.GitHubServer(clock=lambda: time.now) as server:
        server.add_pull(PULL, base=BASE, head=HEAD)
        yield server


@pytest.fixture
def forge(server: Any, time: Time) -> GitHub:
    return connect(server.environ(pull=PULL), time)


def connect(environ: dict[str, str], time: Time) -> GitHub:
    forge = GitHub.connect(environ, time.timing())
    assert forge is not None
    return forge


def failure(code: str, exit: ExitCode, work: Any) -> str:
    """Return the words of the one diagnostic that work ends with."""
    with pytest.raises(OrdainError) as caught:
        work()
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.exit) == (code, exit)
    assert diagnostic.fix
    return f"{diagnostic.summary}\n{diagnostic.detail}\n{diagnostic.fix}"


def status(commit: str = HEAD, description: str = "planned", url: str = "") -> CommitStatus:
    return CommitStatus(commit=commit, context="ordain/prod", state=State.PENDING, description=description, url=url)


def sent(server: Any, method: str) -> list[str]:
    return [one.path for one in server.requests if one.method == method]


class TestContract(ForgeContract):
    @pytest.fixture
    def forge(self, server: Any, time: Time) -> Forge:
        self.server = server
        return connect(server.environ(pull=PULL), time)

    def merge(self) -> None:
        self.server.merge(PULL, MERGED)

    def stranger_comments(self, body: str) -> None:
        self.server.add_comment(PULL, body, login="mallory")

    def status_of(self, commit: str, context: str) -> tuple[str, str, str]:
        found = next(one for one in self.server.statuses(commit) if one["context"] == context)
        return found["state"], found["description"], found["target_url"]


# Where it is, and who we are


def test_a_run_without_a_token_is_told_how_to_get_one(server):
    environ = server.environ(pull=PULL) | {"GITHUB_TOKEN": " "}
    words = failure("github-token-missing", ExitCode.NOT_PERMITTED, lambda: GitHub.connect(environ))
    assert "GITHUB_TOKEN: " in words
    assert "permissions: {pull-requests: write, statuses: write, contents: read}" in words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REPOSITORY", "churn"),
        ("GITHUB_REPOSITORY", "acme/../churn"),
        ("GITHUB_REPOSITORY", "acme/churn?x"),
        ("GITHUB_API_URL", "http://api.github.com"),
        ("GITHUB_API_URL", "http://127.0.0.1.evil.example"),
        ("GITHUB_API_URL", "https://ann:pass@api.github.com"),
        ("GITHUB_API_URL", "api.github.com"),
        ("GITHUB_API_URL", "https://host:port"),
        ("ORDAIN_GITHUB_PATIENCE", "a while"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(server, name, value):
    environ = server.environ(pull=PULL) | {name: value}
    words = failure("github-environment", ExitCode.SPEC, lambda: GitHub.connect(environ))
    assert name in words
    assert "pass@" not in words


def test_a_token_that_would_break_a_header_is_refused_unseen(server):
    environ = server.environ(pull=PULL) | {"GITHUB_TOKEN": "ghs_one\nghs_two"}
    assert "ghs_" not in failure("github-environment", ExitCode.SPEC, lambda: GitHub.connect(environ))


def test_a_line_end_after_the_token_does_no_harm(server, time):
    environ = server.environ(pull=PULL) | {"GITHUB_TOKEN": f"{github.BOT}\n"}
    assert connect(environ, time).pull(PULL).head == HEAD


def test_each_request_says_what_it_speaks_and_who_asks(forge, server):
    forge.pull(PULL)
    forge.add_comment(PULL, "x")
    for one in server.requests:
        assert one.headers["authorization"] == f"Bearer {github.BOT}"
        assert one.headers["accept"] == "application/vnd.github+json"
        assert one.headers["x-github-api-version"] == "2022-11-28"
        assert one.headers["user-agent"].startswith("ordain/")


def test_a_server_below_a_path_is_reached_there(server, time):
    environ = server.environ(pull=PULL) | {"GITHUB_API_URL": f"{server.url}/api/v3/"}
    failure("github-not-permitted", ExitCode.NOT_PERMITTED, lambda: connect(environ, time).pull(PULL))
    assert server.requests[0].path == "/api/v3/repos/acme/churn/pulls/7"


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "proxy:3128", "HTTPS_PROXY": "other"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".github.com"}, ""),
        ({"HTTP_PROXY": "http://proxy:3128"}, ""),
    ],
)
def test_the_proxy_of_the_environment_is_used(environ, proxy):
    forge = GitHub.connect({"GITHUB_REPOSITORY": "acme/churn", "GITHUB_TOKEN": "t", **environ})
    assert forge._client._proxy == proxy


# Which pull request


@pytest.mark.parametrize(
    ("ref", "event", "number"),
    [
        ("refs/pull/7/merge", None, 7),
        ("refs/heads/main", {"pull_request": {"number": 8}}, 8),
        ("refs/heads/main", {"issue": {"number": 9, "pull_request": {"url": ""}}}, 9),
        ("refs/heads/main", {"issue": {"number": 9}}, None),
        ("refs/heads/main", {"after": HEAD}, None),
        ("refs/heads/main", None, None),
        ("", [], None),
    ],
)
def test_the_pull_request_of_a_run(server, time, tmp_path, ref, event, number):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    environ = server.environ(pull=PULL) | {
        "GITHUB_REF": ref,
        "GITHUB_EVENT_PATH": str(path) if event is not None else "",
    }
    assert connect(environ, time).pull_here() == number
    assert server.requests == []


def test_a_push_is_of_no_pull_request(server, time):
    assert connect(server.environ(commit=MERGED), time).pull_here() is None


def test_an_event_that_cannot_be_read_is_named(server, time, tmp_path):
    environ = server.environ(commit=MERGED)
    for content in (None, "{"):
        path = tmp_path / f"event-{content}"
        if content:
            path.write_text(content)
        forge = connect(environ | {"GITHUB_EVENT_PATH": str(path)}, time)
        assert str(path) in failure("github-environment", ExitCode.SPEC, forge.pull_here)


def test_the_pull_request_that_a_commit_came_by(server, time):
    server.add_pull(8, base=BASE, head=HEAD, target="release")
    server.add_pull(9, base=BASE, head=HEAD)
    server.add_pull(10, base=BASE, head=HEAD)
    forge = connect(server.environ(commit=HEAD), time)
    assert forge.pull_of(HEAD) is None
    server.close(10)
    server.merge(PULL, "d" * 40)
    assert forge.pull_of(HEAD).number == PULL
    time.now += 60
    server.merge(8, "e" * 40)  # later, but into another branch than this run's
    assert forge.pull_of(HEAD).number == PULL
    time.now -= 600
    server.merge(9, HEAD)  # fast-forward: it became this very commit, before all others
    assert forge.pull_of(HEAD).number == 9
    server.push(8, MERGED)
    assert forge.pull_of(MERGED).number == 8


# Pages and redirects


def test_all_pages_are_read_in_order(forge, server):
    for number in range(250):
        server.add_comment(PULL, f"comment {number}")
    assert [one.body for one in forge.comments(PULL)] == [f"comment {number}" for number in range(250)]
    assert [one.query["per_page"] for one in server.requests] == ["100"] * 3


def test_a_page_is_only_asked_for_when_it_is_needed(forge, server):
    for number in range(150):
        server.add_comment(PULL, f"comment {number}")
    assert next(forge.comments(PULL)).body == "comment 0"
    assert len(server.requests) == 1


@pytest.fixture
def trap() -> Iterator[Any]:
    with github.GitHubServer() as trap:
        yield trap


ELSEWHERE = [
    "{trap}/x",
    "//127.0.0.1:{port}/x",
    "https://127.0.0.1:{own}/x",
    "http://ann@127.0.0.1:{own}/x",
    "http://[/",
]


def lure(place: str, server: Any, trap: Any) -> str:
    own, port = (one.url.rsplit(":", 1)[1] for one in (server, trap))
    return place.format(trap=trap.url, port=port, own=own)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_page_on_another_host_is_not_fetched(forge, server, trap, place):
    server.fail(headers={"Link": f'<{lure(place, server, trap)}>; rel="next"'})
    failure("github-elsewhere", ExitCode.FAILURE, lambda: list(forge.comments(PULL)))
    assert trap.requests == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("place", ELSEWHERE[:3])
def test_a_redirect_to_another_host_is_not_followed(forge, server, trap, status, place):
    server.fail(1, status, headers={"Location": lure(place, server, trap)})
    failure("github-elsewhere", ExitCode.FAILURE, lambda: forge.add_comment(PULL, "x"))
    assert trap.requests == []
    assert len(server.requests) == 1


def test_a_repository_that_was_renamed_is_followed(server, time):
    server.old_names.add("acme/old")
    forge = connect(server.environ(pull=PULL) | {"GITHUB_REPOSITORY": "acme/old"}, time)
    forge.comment(PULL, f"{MARK} one", MARK)
    forge.comment(PULL, f"{MARK} two", MARK)
    assert [one["body"] for one in server.comments(PULL)] == [f"{MARK} two"]


def test_redirects_and_pages_end(forge, server):
    server.fail(9, 302, headers={"Location": "/repos/acme/churn/pulls/7"})
    failure("github-answer", ExitCode.FAILURE, lambda: forge.pull(PULL))
    server.heal()
    server.fail(9, headers={"Link": f'</repos/acme/churn{COMMENTS}?per_page=100>; rel="next"'})
    failure("github-answer", ExitCode.FAILURE, lambda: list(forge.comments(PULL)))


# Patience


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 502}, {"status": 503}, {"close": True}])
def test_faults_are_tried_again_ever_more_slowly(forge, server, time, fault):
    server.fail(4, **fault)
    assert forge.pull(PULL).head == HEAD
    assert time.slept == [1, 2, 4, 8]


def test_clients_do_not_come_back_all_at_once(server):
    time = Time()
    early = Timing(now=lambda: time.now, sleep=time.sleep, jitter=lambda: 0.0)
    server.fail(3, 502)
    assert GitHub.connect(server.environ(pull=PULL), early).pull(PULL)
    assert time.slept == [0.5, 1, 2]


def test_a_server_that_stays_down_is_given_up(forge, server, time):
    server.fail(99, 502)
    server._faults[0].times = 3
    server.fail(99, close=True)
    words = failure("github-unanswered", ExitCode.TIMEOUT, lambda: forge.status(status()))
    assert sum(time.slept) == 31
    assert "set a status on commit bbbbbbbbbbbb" in words
    assert f"POST /repos/acme/churn/statuses/{HEAD}: tried 6 times in 31 s: it answered 502 (3 times); " in words
    assert "Remote end closed connection without response" in words


def test_a_server_that_is_not_there_is_given_up(time, server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = server.environ(pull=PULL) | {"GITHUB_API_URL": f"http://127.0.0.1:{port}", "ORDAIN_GITHUB_PATIENCE": "3s"}
    words = failure("github-unanswered", ExitCode.TIMEOUT, lambda: connect(environ, time).pull(PULL))
    assert "refused" in words
    assert time.slept == [1, 2]


def test_a_server_that_is_too_slow_is_asked_again(forge, server, time, monkeypatch):
    monkeypatch.setattr(client, "_READ", 0.1)
    server.fail(1, slow=0.5)
    assert forge.pull(PULL).head == HEAD
    assert time.slept == [1]


def test_a_used_up_rate_limit_is_waited_for(forge, server, time):
    server.limit(reset_in=40)
    assert forge.pull(PULL).head == HEAD
    assert time.slept == [41]


def test_a_rate_limit_that_lasts_too_long_is_told_at_once(forge, server, time):
    server.limit(reset_in=1800)
    words = failure("github-rate-limit", ExitCode.TIMEOUT, lambda: forge.pull(PULL))
    assert time.slept == []
    assert "before 08:30:01 UTC" in words
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("limit", "pause"),
    [
        ({"retry_after": 17}, 17),
        ({"retry_after": 17, "status": 429}, 17),
        ({}, 60),
        ({"status": 429}, 60),
    ],
)
def test_a_secondary_rate_limit_is_waited_for(forge, server, time, limit, pause):
    server.limit_secondary(1, **limit)
    forge.add_comment(PULL, "x")
    assert time.slept == [pause]
    assert len(server.comments(PULL)) == 1


def test_asked_too_often_without_a_word_of_why_is_a_limit_too(forge, server, time):
    server.fail(1, 429)
    assert forge.pull(PULL).head == HEAD
    assert time.slept == [60]


def test_a_date_may_say_when_to_come_back(forge, server, time):
    server.fail(1, 503, headers={"Retry-After": "Fri, 15 Jan 2027 08:00:25 GMT"})
    server.fail(1, 503, headers={"Retry-After": "soon"})
    assert forge.pull(PULL).head == HEAD
    assert time.slept == [25, 2]


def test_all_waits_together_stay_within_the_patience(forge, server, time):
    server.limit_secondary(9, retry_after=25)
    failure("github-rate-limit", ExitCode.TIMEOUT, lambda: forge.pull(PULL))
    assert time.slept == [25, 25]


# Nothing is said twice

LOST = [{"close": True}, {"status": 502}, {"status": 504}]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("after", [True, False])
def test_a_comment_whose_answer_was_lost_is_not_written_twice(forge, server, fault, after):
    for number in range(120):
        server.add_comment(PULL, f"comment {number}")
    server.fail(1, after=after, **fault, **POSTS)
    written = forge.add_comment(PULL, "the plan")
    assert list(forge.comments(PULL))[120:] == [written]
    assert written.body == "the plan"
    assert len(sent(server, "POST")) == (1 if after else 2)


def test_a_lost_answer_is_told_from_an_older_comment_with_the_same_words(forge, server):
    first = forge.add_comment(PULL, "the plan")
    server.fail(1, close=True, **POSTS)
    second = forge.add_comment(PULL, "the plan")
    assert [one.id for one in forge.comments(PULL)] == [first.id, second.id]


def test_a_sticky_comment_whose_answer_was_lost_stays_one(forge, server):
    server.fail(2, close=True, after=True, path="/comments$", method="POST")
    first = forge.comment(PULL, f"{MARK} one", MARK)
    server.fail(2, close=True, after=True, method="PATCH")
    second = forge.comment(PULL, f"{MARK} two", MARK)
    assert second.id == first.id
    assert list(forge.comments(PULL)) == [second]


def test_a_status_whose_answer_was_lost_still_says_the_same(forge, server):
    server.fail(1, close=True, after=True)
    forge.status(status())
    assert {one["state"] for one in server.statuses(HEAD)} == {"pending"}


# The sticky comment


def test_the_newest_of_our_own_is_edited_wherever_it_stands(forge, server):
    old = server.add_comment(PULL, f"{MARK} old", login="github-actions[bot]", kind="Bot")
    new = server.add_comment(PULL, f"{MARK} new", login="github-actions[bot]", kind="Bot")
    for number in range(230):
        server.add_comment(PULL, f"comment {number}")
    assert forge.comment(PULL, f"{MARK} newest", MARK).id == new
    bodies = {one["id"]: one["body"] for one in server.comments(PULL)}
    assert (bodies[old], bodies[new], len(bodies)) == (f"{MARK} old", f"{MARK} newest", 232)


def test_what_we_may_not_edit_is_not_ours(forge, server):
    ours = server.add_comment(PULL, f"{MARK} one", login="github-actions[bot]", kind="Bot")
    server.add_comment(PULL, f"{MARK} another app's", login="other[bot]", kind="Bot")
    server.fail(1, 404, body=b'{"message": "Not Found"}', method="PATCH")  # deleted while we looked
    server.add_comment(PULL, f"{MARK} going", login="github-actions[bot]", kind="Bot")
    assert forge.comment(PULL, f"{MARK} two", MARK).id == ours
    assert len(sent(server, "PATCH")) == 3


def test_where_none_may_be_edited_a_new_one_is_written(forge, server):
    server.add_comment(PULL, f"{MARK} another app's", login="other[bot]", kind="Bot")
    assert forge.comment(PULL, f"{MARK} two", MARK).author == "github-actions[bot]"
    assert len(server.comments(PULL)) == 2


def test_a_person_is_not_edited_though_we_may(server, time):
    server.accounts["all"] = github.Account(login="github-actions[bot]", kind="Bot", edits_others=True)
    forge = connect(server.environ(pull=PULL) | {"GITHUB_TOKEN": "all"}, time)
    server.add_comment(PULL, f"{MARK} approved", login="mallory")
    forge.comment(PULL, f"{MARK} two", MARK)
    assert [one.body for one in forge.comments(PULL)] == [f"{MARK} approved", f"{MARK} two"]


def test_a_person_with_a_token_edits_their_own(server, time):
    server.accounts["bob"] = github.Account(login="bob", edits_others=True)
    forge = connect(server.environ(pull=PULL) | {"GITHUB_TOKEN": "bob"}, time)
    server.add_comment(PULL, f"{MARK} bot's", login="github-actions[bot]", kind="Bot")
    own = server.add_comment(PULL, f"{MARK} bob's", login="bob")
    server.add_comment(PULL, f"{MARK} ann's", login="ann")
    assert forge.comment(PULL, f"{MARK} two", MARK).id == own


@pytest.mark.parametrize("quote", ["> {}", ">{}", "   > > {}", "text\n> {}\ntext", "> a\u2028{}"])
def test_a_quoted_mark_is_none(forge, server, quote):
    server.add_comment(PULL, quote.format(MARK), login="github-actions[bot]", kind="Bot")
    forge.comment(PULL, f"{MARK} one", MARK)
    assert len(server.comments(PULL)) == 2


def test_a_comment_without_its_mark_would_never_be_found_again(forge, server):
    for body in ("no mark", f"> {MARK}"):
        with pytest.raises(ValueError, match="marker"):
            forge.comment(PULL, body, MARK)
    assert server.requests == []


def test_a_comment_that_is_too_long_is_not_even_sent(forge, server):
    long = "ü" * (forge.largest_comment + 1)
    assert "65,495" in failure("github-comment-too-long", ExitCode.FAILURE, lambda: forge.add_comment(PULL, long))
    failure("github-comment-too-long", ExitCode.FAILURE, lambda: forge.comment(PULL, MARK + long, MARK))
    assert server.requests == []


def test_one_whose_account_is_gone_is_a_ghost(forge, server):
    server.add_comment(PULL, f"{MARK} x")
    server._comments[0]["user"] = None
    assert list(forge.comments(PULL)) == [
        Comment(id=1000, author="ghost", body=f"{MARK} x", url=server.comments(PULL)[0]["html_url"])
    ]
    assert forge.comment(PULL, MARK, MARK).id == 1001


# Statuses and annotations


@pytest.mark.parametrize("length", [139, 140, 141, 500])
def test_a_description_is_cut_where_github_would_refuse_it(forge, server, length):
    forge.status(status(description="é" * length))
    (found,) = server.statuses(HEAD)
    assert found["description"] == ("é" * length if length <= 140 else "é" * 139 + "…")


def test_a_status_leads_to_the_run_where_it_leads_nowhere_else(forge, server, time):
    assert forge.run_url == f"{server.url}/acme/churn/actions/runs/4711"
    forge.status(status())
    forge.status(status(url="https://example.com/plan"))
    connect(server.environ(pull=PULL) | {"GITHUB_RUN_ID": ""}, time).status(status())
    urls = [one.get("target_url") for one in server.statuses(HEAD)]
    assert urls == [None, "https://example.com/plan", forge.run_url]


@pytest.mark.parametrize(
    ("annotation", "line"),
    [
        (
            Annotation(
                level="error", title="owner: required, always", message="no owner: add one", file="a.yaml", line=3
            ),
            "::error file=a.yaml,line=3,col=1,title=owner%3A required%2C always::no owner: add one\n",
        ),
        (
            Annotation(level="warning", title="", message="100 %\r\n::error::x", file="a,b:c%.yaml", line=1, column=9),
            "::warning file=a%2Cb%3Ac%25.yaml,line=1,col=9::100 %25%0D%0A::error::x\n",
        ),
        (Annotation(level="notice", title="", message="all well", file="", line=0), "::notice::all well\n"),
        (Annotation(level="set-env name=X", title="", message="x", file="", line=0), "::notice::x\n"),
    ],
)
def test_an_annotation_is_a_workflow_command(forge, server, annotation, line):
    assert forge.annotations((annotation,)) == line
    assert server.requests == []


# What is refused


def test_a_wrong_token(server, time):
    forge = connect(server.environ(pull=PULL) | {"GITHUB_TOKEN": "ghs_old"}, time)
    words = failure("github-token-invalid", ExitCode.NOT_PERMITTED, lambda: forge.pull(PULL))
    assert "Bad credentials" in words
    assert "github.token" in words
    assert time.slept == []


@pytest.mark.parametrize(
    ("work", "needs"),
    [
        (lambda forge: forge.add_comment(PULL, "x"), "`pull-requests: write`"),
        (lambda forge: forge.comment(PULL, MARK, MARK), "`pull-requests: write`"),
        (lambda forge: forge.status(status()), "`statuses: write`"),
    ],
)
def test_a_token_that_only_reads(server, time, work, needs):
    server.accounts["fork"] = github.Account(login="github-actions[bot]", kind="Bot", permissions=frozenset())
    server.add_comment(PULL, f"{MARK} x", login="github-actions[bot]", kind="Bot")
    forge = connect(server.environ(pull=PULL) | {"GITHUB_TOKEN": "fork"}, time)
    assert forge.pull(PULL).head == HEAD
    words = failure("github-not-permitted", ExitCode.NOT_PERMITTED, lambda: work(forge))
    assert "Resource not accessible by integration (request " in words
    assert f"It needs {needs}" in words
    assert "permissions: {pull-requests: write, statuses: write, contents: read}" in words
    assert "fork" in words
    assert time.slept == []


def test_what_github_itself_says_is_needed_is_passed_on(forge, server):
    server.fail(1, 403, headers={"X-Accepted-GitHub-Permissions": "issues=write"}, body=b'{"message": "no"}')
    words = failure("github-not-permitted", ExitCode.NOT_PERMITTED, lambda: forge.add_comment(PULL, "x"))
    assert "GitHub names issues=write" in words


def test_what_is_not_there_or_not_shown(forge):
    words = failure("github-not-permitted", ExitCode.NOT_PERMITTED, lambda: forge.pull(99))
    assert "read pull request 99" in words
    assert "not there" in words


def test_a_commit_that_github_does_not_know(forge, server):
    words = failure("github-refused", ExitCode.FAILURE, lambda: forge.status(status("f" * 40)))
    assert "No commit found for SHA" in words
    failure("github-refused", ExitCode.FAILURE, lambda: forge.pull_of("../../../user"))
    assert server.requests[-1].path == "/repos/acme/churn/commits/..%2F..%2F..%2Fuser/pulls"


def test_what_single_fields_are_refused_for_is_passed_on(forge):
    words = failure("github-refused", ExitCode.FAILURE, lambda: forge.status(status(url="ftp://x")))
    assert "Validation Failed; target_url must use http(s) scheme" in words


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"number": 7}', b'"x"', b"null"])
def test_an_answer_that_is_none_of_githubs(forge, server, body):
    server.fail(9, 200, body=body)
    failure("github-answer", ExitCode.FAILURE, lambda: forge.pull(PULL))
    failure("github-answer", ExitCode.FAILURE, lambda: list(forge.comments(PULL)))
    failure("github-answer", ExitCode.FAILURE, lambda: forge.pull_of(HEAD))


# The token


def test_the_token_is_never_shown(forge, server, trap, caplog):
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"message": f"what is {github.BOT}?\x1b[2J"}).encode()
    faults = [
        {"status": 422, "body": echo},
        {"status": 403, "body": echo},
        {"status": 403, "body": b"{}", "headers": {"X-Accepted-GitHub-Permissions": github.BOT}},
        {"status": 200, "body": echo},
        {"status": 302, "headers": {"Location": f"{trap.url}/{github.BOT}"}},
        {"status": 502, "body": echo, "times": 99},
        {"close": True, "times": 99},
    ]
    shown = [repr(forge), repr(forge._client), str(vars(forge))]
    for fault in faults:
        server.heal()
        server.fail(**fault)
        try:
            forge.pull(PULL)
        except OrdainError as error:
            (one,) = error.diagnostics
            shown += [str(error), repr(error), f"{one.summary} {one.detail} {one.fix}", traceback.format_exc()]
    assert len(shown) == 3 + 4 * len(faults)
    assert "***" in "".join(shown)
    for text in (*shown, caplog.text):
        assert github.BOT not in text
        assert "\x1b" not in text
    assert caplog.text  # urllib3 does log requests


# The way there


@pytest.fixture
def secure(server: Any, tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """The server behind TLS: its environment, and the certificate it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    path, both = tmp_path / "certificate.pem", tmp_path / "both.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both.write_bytes(path.read_bytes() + key.private_bytes(*plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    environ = server.environ(pull=PULL) | {"GITHUB_API_URL": server.url.replace("http:", "https:"), "NO_PROXY": ""}
    yield environ, path


def test_a_certificate_is_checked_and_may_be_ones_own(secure, time, monkeypatch):
    environ, certificate = secure
    forge = connect(environ, time)
    words = failure("github-certificate", ExitCode.FAILURE, lambda: forge.pull(PULL))
    assert "SSL_CERT_FILE" in words
    assert time.slept == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert connect(environ, time).pull(PULL).head == HEAD


class Proxy(socketserver.StreamRequestHandler):
    """Passes on, byte by byte, for whoever knows the password."""

    seen: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        self.seen.append(head)
        if b64encode(b"ann:s3cret!") not in head:
            self.wfile.write(b"HTTP/1.1 407 s3cret\r\n\r\n")
            return
        host, port = head.split()[1].decode().split(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {self.connection: far, far: self.connection}
            while data := (near := select.select(ends, (), ())[0][0]).recv(65_536):
                ends[near].sendall(data)


def test_a_proxy_is_gone_through_and_sees_no_token(server, secure, time, monkeypatch):
    environ, certificate = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads = True
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        place = f"127.0.0.1:{proxy.server_address[1]}"
        try:
            right = connect(environ | {"HTTPS_PROXY": f"http://ann:s3cret%21@{place}"}, time)
            assert right.pull(PULL).head == HEAD
            assert len(server.requests) == 1
            wrong = connect(environ | {"HTTPS_PROXY": f"http://ann:wr0ng@{place}"}, time)
            words = failure("github-unanswered", ExitCode.TIMEOUT, lambda: wrong.pull(PULL))
            assert "proxy" in words
            assert "wr0ng" not in words
            right._client._manager.clear()
        finally:
            proxy.shutdown()
            thread.join()
    assert len(server.requests) == 1
    assert Proxy.seen[0].startswith(f"CONNECT {server.url.removeprefix('http://')} ".encode())
    assert github.BOT.encode() not in b"".join(Proxy.seen)


def test_connecting_and_importing_loads_nothing_heavy():
    code = (
        "import sys; from ordain_github.forge import GitHub\n"
        "GitHub.connect({'GITHUB_REPOSITORY': 'a/b', 'GITHUB_TOKEN': 't'}).annotations(())\n"
        "assert not {'urllib3', 'ssl', 'pandas'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
