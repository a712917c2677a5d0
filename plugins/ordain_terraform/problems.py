"""What is wrong, as diagnostics: what Terraform complains of, and what we refuse before it runs."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordain.api import Address, Blame, Diagnostic, ExitCode, OrdainError, Severity, Span
from ordain_terraform.command import Finished
from ordain_terraform.modules import LOCK_FILE
from ordain_terraform.secrets import Scrubber

_STALE = ("Saved plan is stale", "Saved plan does not match the given state")
_BORING = ("Deprecated flag: -state",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells of one resource's troubles: positions relative to ``root``, secrets masked."""

    address: Address
    root: Path
    folder: Path
    scrub: Scrubber

    @property
    def module(self) -> str:
        """The module's folder as people write it, relative to the project."""
        return os.path.relpath(self.folder, self.root).replace(os.sep, "/")

    def problem(self, code: str, summary: str, **more: Any) -> Diagnostic:
        """Return a diagnostic about the resource; ``more`` are fields of ``Diagnostic``."""
        for key in ("detail", "fix", "snippet"):
            if more.get(key):
                more[key] = self.scrub.text(more[key])
        return Diagnostic(code=code, summary=self.scrub.text(summary), address=self.address, **more)

    def wrong_field(self, code: str, path: tuple[str | int, ...], summary: str, **more: Any) -> Diagnostic:
        """Return a diagnostic about a field of the spec."""
        return self.problem(code, summary, path=("spec", *path), **more)

    def complaints(self, finished: Finished, applying: bool = False) -> tuple[Diagnostic, ...]:
        """Return what Terraform said was wrong; never empty for a command that failed."""
        found = self.told(finished, applying)
        return found if any(one.is_error for one in found) else (*found, self._wordless(finished))

    def warnings(self, finished: Finished) -> tuple[Diagnostic, ...]:
        """Return what Terraform warned of."""
        return tuple(one for one in self.told(finished) if not one.is_error)

    def told(self, finished: Finished, applying: bool = False) -> tuple[Diagnostic, ...]:
        """Return what Terraform warned of and complained of, each once."""
        told = (self._translated(event["diagnostic"], applying) for event in finished.events if "diagnostic" in event)
        return tuple(dict.fromkeys(one for one in told if one is not None))

    def failure(self, finished: Finished, doing: str, applying: bool = False) -> OrdainError:
        """Return the error for a command that failed."""
        if finished.timed_out:
            return OrdainError(
                self.problem(
                    "terraform-timeout",
                    f"terraform took too long to {doing} and was stopped",
                    detail="it was interrupted, given time to write its state, and then ended",
                    fix="see what it waits for; or give it longer: run: {timeout: …}",
                    blame=Blame.WORLD,
                    exit=ExitCode.TIMEOUT,
                )
            )
        return OrdainError(*self.complaints(finished, applying))

    def _translated(self, told: Mapping[str, Any], applying: bool) -> Diagnostic | None:
        summary, detail = str(told.get("summary", "")), str(told.get("detail", ""))
        if summary in _BORING or summary.startswith("Terraform encountered problems during initiali"):
            return None
        if summary in _STALE:
            return stale(self, detail)
        if summary == "Provider dependency changes detected":
            return self._unlocked()
        at = self._span(told.get("range"))
        lines = str((told.get("snippet") or {}).get("code", "")).splitlines()
        address = told.get("address")
        world = at is None or address is not None
        exit_code = ExitCode.STEP_FAILED if applying else ExitCode.FAILURE if world else ExitCode.SPEC
        locked = summary == "Error acquiring the state lock"
        return self.problem(
            "terraform-locked" if locked else "terraform-warning" if _mild(told) else "terraform-error",
            " ".join(summary.split()) + (f" ({address})" if address else ""),
            detail=detail,
            fix="wait for the other run to end" if locked else "" if _mild(told) else _fix(summary, at),
            severity=Severity.WARNING if _mild(told) else Severity.ERROR,
            blame=Blame.WORLD if world else Blame.USER,
            exit=ExitCode.TIMEOUT if locked else exit_code,
            at=at,
            snippet=lines[0] if lines and at is not None else None,
        )

    def _span(self, where: Mapping[str, Any] | None) -> Span | None:
        if not where or not where.get("filename"):
            return None
        path = os.path.relpath(os.path.join(self.folder, where["filename"]), self.root)
        start = where.get("start", {})
        return Span(file=path.replace(os.sep, "/"), line=start.get("line", 1), column=start.get("column", 1))

    def _unlocked(self) -> Diagnostic:
        return self.problem(
            "terraform-not-locked",
            f"the providers of {self.module} are not locked",
            detail=f"{self.module}/{LOCK_FILE} is missing or does not cover them. It says by checksum which "
            "providers may run; Ordain respects it and writes nothing into the module",
            fix=f"terraform -chdir={self.module} providers lock, and commit {LOCK_FILE}",
        )

    def _wordless(self, finished: Finished) -> Diagnostic:
        said = (finished.complaint or finished.text).strip().splitlines()
        return self.problem(
            "terraform-failed",
            f"terraform failed with exit code {finished.code}",
            detail="\n".join(said[-20:]) or "it said nothing",
            fix=f"run it by hand in {self.module} to see more",
            blame=Blame.WORLD,
            exit=ExitCode.FAILURE,
        )


def _mild(told: Mapping[str, Any]) -> bool:
    return told.get("severity") == "warning"


def _fix(summary: str, at: Span | None) -> str:
    if summary == "No value for required variable":
        return "give it a value under spec.variables, or a default in the module"
    return f"correct {at}" if at is not None else "correct what Terraform names, and plan again"


def stale(tell: Teller, detail: str) -> Diagnostic:
    """Return the diagnostic for a saved Terraform plan that no longer fits its state."""
    return tell.problem(
        "terraform-plan-stale",
        f"{tell.address}: the saved Terraform plan no longer fits Terraform's state",
        detail=detail or "the state was changed by another run after this plan was made",
        fix="plan again: ordain plan",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
    )


def no_binary(address: Address, wanted: str | None) -> Diagnostic:
    """Return the diagnostic for a machine without Terraform."""
    looked = f"{wanted} is not there, or cannot be run" if wanted else "there is neither terraform nor tofu on PATH"
    return Diagnostic(
        code="terraform-missing",
        summary=f"{address} needs Terraform, which is not installed",
        detail=looked,
        fix="install Terraform (https://developer.hashicorp.com/terraform/install) or OpenTofu "
        "(https://opentofu.org/docs/intro/install), 1.9 or newer; or name it in the spec: binary: PATH",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
        address=address,
        path=("spec", "binary") if wanted else (),
    )


def undeclared(tell: Teller, name: str, known: Iterable[str]) -> Diagnostic:
    """Return the diagnostic for a value the module has no variable for."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"it declares: {', '.join(names)}" if names else "it declares none"
    return tell.wrong_field(
        "terraform-unknown-variable",
        ("variables", name),
        f"the module {tell.module} declares no variable {name}",
        detail=hint,
        fix="correct the name, or declare the variable in the module",
    )
