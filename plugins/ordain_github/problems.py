"""What can go wrong with GitHub, in words; none of them ever holds the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ordain.api import Blame, Diagnostic, ExitCode, Json, OrdainError

PERMISSIONS = "permissions: {pull-requests: write, statuses: write, contents: read}"
_HAND_OVER = 'hand the workflow\'s own token to the step: `env: {GITHUB_TOKEN: "${{ github.token }}"}`'
_HIDDEN = " Either it is not there, or this token may not see it: GitHub gives the same answer to both."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request: ``doing`` says it in words (to comment on pull request 7), ``needs`` is the permission it takes."""

    method: str
    path: str
    doing: str
    needs: str
    body: Mapping[str, Json] | None = None


class Refusal(OrdainError):
    """GitHub answered, and it was no; ``status`` is that of HTTP."""

    def __init__(self, diagnostic: Diagnostic, status: int) -> None:
        super().__init__(diagnostic)
        self.status = status


def refusal(ask: Ask, status: int, words: str, accepted: str) -> Refusal:
    """Return the error for an answer that is not tried again; ``accepted`` is what GitHub says would be permitted."""
    said = f"{ask.method} {ask.path} was answered {status}: {words}"
    if status == 401:
        diagnostic = Diagnostic(
            code="github-token-invalid",
            summary="GitHub does not know the token in GITHUB_TOKEN",
            detail=said,
            fix=f"it is wrong or has expired; {_HAND_OVER}",
            exit=ExitCode.NOT_PERMITTED,
        )
    elif status in (403, 404):
        hint = f"; GitHub names {accepted}" if accepted else ""
        diagnostic = Diagnostic(
            code="github-not-permitted",
            summary=f"GitHub does not let this workflow {ask.doing}",
            detail=f"{said}. It needs {ask.needs}{hint}." + (_HIDDEN if status == 404 else ""),
            fix=f"give the job `{PERMISSIONS}`; a pull request from a fork only ever gets a token that reads",
            exit=ExitCode.NOT_PERMITTED,
        )
    else:
        diagnostic = Diagnostic(
            code="github-refused",
            summary=f"GitHub refused to {ask.doing}",
            detail=said,
            fix=f"see what it says; the job needs `{PERMISSIONS}`",
            blame=Blame.WORLD,
            exit=ExitCode.FAILURE,
        )
    return Refusal(diagnostic, status)


def unanswered(ask: Ask, tried: str, until: float | None) -> OrdainError:
    """Return the error for a request that was tried for as long as may be; ``until``: when the rate limit ends."""
    if until is None:
        summary, fix = (
            f"GitHub did not answer when asked to {ask.doing}",
            "see https://www.githubstatus.com, and run it again",
        )
        code = "github-unanswered"
    else:
        code, when = "github-rate-limit", datetime.fromtimestamp(until, UTC).strftime("%H:%M:%S UTC")
        summary = f"GitHub's rate limit does not let this workflow {ask.doing} before {when}"
        fix = "run it again then; or wait longer with ORDAIN_GITHUB_PATIENCE, such as 10m"
    return OrdainError(
        Diagnostic(
            code=code,
            summary=summary,
            detail=f"{ask.method} {ask.path}: {tried}",
            fix=fix,
            blame=Blame.WORLD,
            exit=ExitCode.TIMEOUT,
        )
    )


def unverified(ask: Ask, words: str) -> OrdainError:
    """Return the error for a server whose certificate is not trusted."""
    diagnostic = Diagnostic(
        code="github-certificate",
        summary="the certificate of the GitHub server is not trusted",
        detail=f"{ask.method} {ask.path}: {words}",
        fix="set SSL_CERT_FILE to a file with your authority's certificate",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )
    return OrdainError(diagnostic)


def elsewhere(ask: Ask, place: str) -> OrdainError:
    """Return the error for an answer that leads to another host: the token must not go there."""
    diagnostic = Diagnostic(
        code="github-elsewhere",
        summary=f"GitHub leads to another host when asked to {ask.doing}",
        detail=f"{ask.method} {ask.path} leads to {place}, and the token is for GITHUB_API_URL alone",
        fix="set GITHUB_API_URL to the address that the server itself uses",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )
    return OrdainError(diagnostic)


def odd_answer(ask: Ask, words: str) -> OrdainError:
    """Return the error for an answer that is not what the API promises."""
    diagnostic = Diagnostic(
        code="github-answer",
        summary=f"GitHub's answer was not understood when asked to {ask.doing}",
        detail=f"{ask.method} {ask.path}: {words}",
        fix="see that GITHUB_API_URL is the address of a GitHub REST API, such as https://HOST/api/v3",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )
    return OrdainError(diagnostic)


def no_token() -> OrdainError:
    """Return the error for a workflow that kept its token to itself."""
    diagnostic = Diagnostic(
        code="github-token-missing",
        summary="GITHUB_TOKEN is not set",
        detail="GITHUB_REPOSITORY is set, so this is a workflow run; its token is only for steps that ask for it",
        fix=f"{_HAND_OVER}, and give the job `{PERMISSIONS}`",
        exit=ExitCode.NOT_PERMITTED,
    )
    return OrdainError(diagnostic)


def bad_variable(name: str, why: str, fix: str) -> OrdainError:
    """Return the error for an environment variable that cannot be used; ``why`` must not hold a secret."""
    summary = f"the environment variable {name} {why}"
    return OrdainError(Diagnostic(code="github-environment", summary=summary, fix=fix))


def too_long(length: int, largest: int) -> OrdainError:
    """Return the error for a comment that GitHub would not take."""
    diagnostic = Diagnostic(
        code="github-comment-too-long",
        summary=f"a comment has {length:,} characters, and GitHub takes {largest:,}",
        fix="shorten it; the whole text can go into the job's summary or an artifact",
        blame=Blame.ORDAIN,
        exit=ExitCode.FAILURE,
    )
    return OrdainError(diagnostic)


def words_of(answer: Any) -> str:
    """Return what GitHub says is wrong: its message, then those on single fields."""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    more = [
        str(one.get("message") or f"{one.get('field')}: {one.get('code')}") if isinstance(one, dict) else str(one)
        for one in (errors if isinstance(errors, list) else [])
    ]
    return "; ".join([str(answer.get("message") or ""), *more]).strip("; ")
