"""HTTP with GitHub's REST API: signed requests, pages, patience. Knows nothing of pull requests.

How to wait is GitHub's own rule (REST documentation, "Rate limits" and "Best practices"): for as long as Retry-After
says, else until x-ratelimit-reset where nothing remains, else a minute after a secondary limit.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from ordain_github.problems import Ask, elsewhere, odd_answer, refusal, unanswered, unverified, words_of

if TYPE_CHECKING:
    import urllib3

VERSION = "2022-11-28"
PATIENCE = 60.0
"""Seconds that one request may be waited for between tries."""
_CONNECT, _READ = 10.0, 20.0
_REDIRECTS = (301, 302, 307, 308)
_HOPS = 5
_MINUTE = 60.0
_NEXT = re.compile(r'<([^<>]*)>\s*;(?:[^,<"]|"[^"]*")*?\brel="?next"?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock (seconds since 1970), how to sleep, and a number in [0, 1) that keeps clients apart."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """Why a try was in vain; ``pause``: seconds until the server wants to hear of us again; None: as we like.

    ``limit``: we asked too often.
    """

    words: str
    pause: float | None = None
    limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    data: bytes

    def json(self) -> Any:
        """Return the body; None where it is not JSON."""
        try:
            return json.loads(self.data)
        except ValueError:
            return None


class Client:
    """Requests to one GitHub server with one token, which goes nowhere else and is never shown.

    ``base`` is the address of the API, https (or http on loopback); ``proxy`` is a proxy's address or "".
    """

    def __init__(
        self, base: str, token: str, *, proxy: str = "", patience: float = PATIENCE, timing: Timing | None = None
    ) -> None:
        parts = urlsplit(base)
        self._origin = _origin(base)
        self._root = parts.path.rstrip("/")
        self._token, self._proxy = token, proxy
        self._patience = patience
        self._timing = timing or Timing()
        self._manager: urllib3.PoolManager | None = None

    def ask(self, ask: Ask, done: Callable[[], Any] | None = None) -> Any:
        """Return the JSON that answers a request, which is tried again after faults and limits.

        ``done`` is for what must not be done twice: it is asked before another try, and what it returns, unless None,
        is the answer. Raises ``Refusal`` where GitHub says no, ``OrdainError`` where it does not answer in time.
        """
        return self._tried(ask, self._root + ask.path, done)[0]

    def pages(self, ask: Ask) -> Iterator[Any]:
        """Yield the items of a list, following its pages."""
        place: str | None = f"{self._root}{ask.path}{'&' if '?' in ask.path else '?'}per_page=100"
        seen = set()
        while place is not None:
            seen.add(place)
            items, answer = self._tried(ask, place, None)
            if not isinstance(items, list):
                raise odd_answer(ask, "a list was expected")
            yield from items
            link = _NEXT.search(answer.headers.get("link", "")) if answer else None
            place = self._within(ask, place, link[1]) if link else None
            if place in seen:
                raise odd_answer(ask, "its pages go in a circle")

    def _tried(self, ask: Ask, place: str, done: Callable[[], Any] | None) -> tuple[Any, _Answer | None]:
        timing, begun, waited, faults = self._timing, self._timing.now(), 0.0, []
        while True:
            outcome = self._once(ask, place)
            if isinstance(outcome, _Answer):
                return self._accepted(ask, outcome), outcome
            faults.append(outcome.words)
            pause = outcome.pause
            if pause is None:
                pause = 2.0 ** (len(faults) - 1) * (0.5 + timing.jitter() / 2)
            if waited + pause > self._patience:
                until = timing.now() + pause if outcome.limit else None
                raise unanswered(ask, _told(faults, timing.now() - begun), until)
            timing.sleep(pause)
            waited += pause
            found = done() if done else None
            if found is not None:
                return found, None

    def _accepted(self, ask: Ask, answer: _Answer) -> Any:
        found = answer.json()
        if not 200 <= answer.status < 300:
            words = words_of(found) or "no word of why"
            number = answer.headers.get("x-github-request-id", "")
            words = self._clean(f"{words} (request {number})" if number else words)
            raise refusal(
                ask, answer.status, words, self._clean(answer.headers.get("x-accepted-github-permissions", ""))
            )
        if found is None:
            raise odd_answer(ask, "it is not JSON")
        return found

    def _once(self, ask: Ask, place: str) -> _Answer | _Fault:
        """Send a request, following redirects on the same host; return its answer, or a fault to be tried again."""
        from urllib3.exceptions import HTTPError, SSLError

        for _ in range(_HOPS):
            try:
                answer = self._exchanged(ask, place)
            except HTTPError as error:
                words = self._clean(str(error))
                if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in words:
                    raise unverified(ask, words) from None
                return _Fault(words=words)
            if answer.status in _REDIRECTS and "location" in answer.headers:
                place = self._within(ask, place, answer.headers["location"])
                continue
            return self._fault(answer) or answer
        raise odd_answer(ask, f"more than {_HOPS} redirects")

    def _exchanged(self, ask: Ask, place: str) -> _Answer:
        import ordain

        if self._manager is None:
            self._manager = _manager(self._proxy)
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": f"ordain/{ordain.__version__}",
            "X-GitHub-Api-Version": VERSION,
        }
        body = None
        if ask.body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(ask.body).encode()
        answer = self._manager.request(
            ask.method, self._origin + place, body=body, headers=headers, redirect=False, retries=False
        )
        return _Answer(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            data=answer.data,
        )

    def _fault(self, answer: _Answer) -> _Fault | None:
        """Return why this answer is worth another try; None for one that stands."""
        status, headers = answer.status, answer.headers
        if status >= 500:
            return _Fault(words=f"it answered {status}", pause=self._after(headers))
        if status not in (403, 429):
            return None
        told = self._after(headers)
        if told is not None:
            return _Fault(words=f"it answered {status}, a secondary rate limit", pause=told, limit=True)
        if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
            pause = max(1.0, int(headers["x-ratelimit-reset"]) - self._timing.now() + 1)
            return _Fault(words=f"it answered {status}, the rate limit is used up", pause=pause, limit=True)
        if status == 429 or "secondary rate limit" in words_of(answer.json()).lower():
            return _Fault(words=f"it answered {status}, a secondary rate limit", pause=_MINUTE, limit=True)
        return None

    def _after(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3)."""
        from email.utils import parsedate_to_datetime

        text = headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", text):
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self._timing.now())
        except (ValueError, OverflowError):
            return None

    def _within(self, ask: Ask, place: str, link: str) -> str:
        """Return the path and query that a link of an answer leads to. Raises ``OrdainError`` for another host.

        What is returned goes to our own host whatever a parser of addresses makes of the link.
        """
        try:
            whole = urljoin(self._origin + place, link)
            same = _origin(whole) == self._origin
        except ValueError:
            whole, same = link, False
        if not same:
            raise elsewhere(ask, self._clean(link))
        parts = urlsplit(whole)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _clean(self, text: str) -> str:
        """Return words of the other side as they may be shown: without secrets, on one line, not endless."""
        password = unquote(urlsplit(self._proxy).password or "")
        for secret in (self._token, password):
            text = text.replace(secret, "***") if secret else text
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]


def _manager(proxy: str) -> urllib3.PoolManager:
    import urllib3

    timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
    if not proxy:
        return urllib3.PoolManager(timeout=timeout)
    parts = urlsplit(proxy)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return urllib3.ProxyManager(
        proxy, timeout=timeout, proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None
    )


def _origin(url: str) -> str:
    """Return scheme, host and port of an address, as one text. Raises ``ValueError`` for one that names a user."""
    parts = urlsplit(url)
    if parts.username is not None or not parts.hostname:
        raise ValueError("an address without a user, with a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _told(faults: list[str], seconds: float) -> str:
    """Say what became of the tries: each outcome once, in order."""
    counted = [f"{one} ({faults.count(one)} times)" if faults.count(one) > 1 else one for one in dict.fromkeys(faults)]
    times = "once" if len(faults) == 1 else f"{len(faults)} times in {seconds:.0f} s"
    return f"tried {times}: {'; '.join(counted)}"
