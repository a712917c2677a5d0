"""The contract of a forge, as tests: a forge's author subclasses and runs them against a server of that kind."""

from __future__ import annotations

from abc import abstractmethod

import pytest

from ordain.api import Annotation, CommitStatus, ExitCode, Forge, State
from ordain.testing.samples import refused

MARK = "<!-- a mark of the contract -->"
PULL, BASE, HEAD, MERGED = 7, "a" * 40, "b" * 40, "c" * 40


class ForgeContract:
    """What holds of every forge. ``forge`` is connected to a repository with one pull request: ``PULL``, open, of
    ``HEAD`` into ``main`` at ``BASE``, without comments."""

    @pytest.fixture
    @abstractmethod
    def forge(self) -> Forge:
        """Connect, as a CI run of the pull request."""

    @abstractmethod
    def merge(self) -> None:
        """Merge the pull request as ``MERGED``, which then stands on ``main``."""

    @abstractmethod
    def stranger_comments(self, body: str) -> None:
        """Comment on the pull request as somebody else."""

    @abstractmethod
    def status_of(self, commit: str, context: str) -> tuple[str, str, str]:
        """Return what counts for a context of a commit: state, description, url."""

    def bodies(self, forge: Forge) -> list[str]:
        return [one.body for one in forge.comments(PULL)]

    def test_an_environment_of_another_kind_is_not_ours(self, forge: Forge) -> None:
        assert type(forge).connect({}) is None

    def test_a_pull_request_is_read(self, forge: Forge) -> None:
        assert forge.pull_here() == PULL
        pull = forge.pull(PULL)
        assert (pull.number, pull.base, pull.head, pull.target) == (PULL, BASE, HEAD, "main")
        assert pull.merged is None
        self.merge()
        assert forge.pull(PULL).merged == MERGED

    def test_a_pull_request_is_found_by_the_commit_it_became(self, forge: Forge) -> None:
        assert forge.pull_of(HEAD) is None
        self.merge()
        assert forge.pull_of(MERGED) == forge.pull(PULL)

    def test_comments_come_back_as_they_were_written_oldest_first(self, forge: Forge) -> None:
        texts = ["first", "second\n\nwith | a table |\n", "first", "ünï 🙂 <!-- x -->"]
        written = [forge.add_comment(PULL, text) for text in texts]
        assert [one.body for one in written] == texts
        assert list(forge.comments(PULL)) == written
        assert len({one.id for one in written}) == 4

    def test_a_sticky_comment_stays_one(self, forge: Forge) -> None:
        forge.add_comment(PULL, "before")
        first = forge.comment(PULL, f"{MARK}\none", MARK)
        forge.add_comment(PULL, "after")
        second = forge.comment(PULL, f"two\n{MARK}", MARK)
        assert (second.id, second.author) == (first.id, first.author)
        assert self.bodies(forge) == ["before", f"two\n{MARK}", "after"]

    def test_a_stranger_with_our_mark_is_left_alone(self, forge: Forge) -> None:
        self.stranger_comments(f"{MARK} approved")
        self.stranger_comments(f"> {MARK}\nwhat is this?")
        forge.comment(PULL, f"{MARK} one", MARK)
        self.stranger_comments(f"{MARK} approved, too")
        forge.comment(PULL, f"{MARK} two", MARK)
        ours = f"{MARK} two"
        assert self.bodies(forge) == [
            f"{MARK} approved",
            f"> {MARK}\nwhat is this?",
            ours,
            f"{MARK} approved, too",
        ]

    def test_the_largest_comment_is_taken_and_a_larger_one_refused(self, forge: Forge) -> None:
        forge.add_comment(PULL, "ü" * forge.largest_comment)
        forge.comment(PULL, MARK.ljust(forge.largest_comment, "."), MARK)
        with refused(ExitCode.FAILURE, "characters"):
            forge.add_comment(PULL, "ü" * (forge.largest_comment + 1))
        with refused(ExitCode.FAILURE, "characters"):
            forge.comment(PULL, MARK.ljust(forge.largest_comment + 1, "."), MARK)
        assert [len(one) for one in self.bodies(forge)] == [forge.largest_comment] * 2

    def test_a_later_status_of_a_context_counts(self, forge: Forge) -> None:
        for context, state in (("x", State.PENDING), ("y", State.ERROR), ("x", State.SUCCESS), ("y", State.FAILURE)):
            status = CommitStatus(commit=HEAD, context=context, state=state, description=f"says {state}")
            forge.status(status)
        assert self.status_of(HEAD, "x") == ("success", "says success", forge.run_url)
        assert self.status_of(HEAD, "y") == ("failure", "says failure", forge.run_url)

    def test_a_long_description_of_a_status_is_cut(self, forge: Forge) -> None:
        status = CommitStatus(
            commit=HEAD, context="x", state=State.ERROR, description="far too long " * 100, url="https://example.com/"
        )
        forge.status(status)
        _, description, url = self.status_of(HEAD, "x")
        assert description.startswith("far too long far")
        assert description.endswith("…")
        assert url == "https://example.com/"

    def test_an_annotation_is_one_line(self, forge: Forge) -> None:
        one = Annotation(level="error", title="a: b, c", message="100 %\r\n::error::no", file="a,b.yaml", line=3)
        text = forge.annotations((one, one))
        assert text == "" or text.splitlines() == [text.splitlines()[0]] * 2
        assert forge.annotations(()) == ""
