"""A step's spec, whole: outputs that became known are filled in, secrets opened for the one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from ordain.api.executor import StepRequest
from ordain.api.fields import FieldError, Spec, check
from ordain.api.fingerprints import fingerprint_of, ignoring, record_part
from ordain.api.providers import InfrastructureDriver, Places
from ordain.api.registry import load_provider, spec_model
from ordain.apply.aside import take_back
from ordain.apply.folder import plain_name
from ordain.apply.scrub import Scrub
from ordain.expr.known import known_leaf
from ordain.expr.templates import ExpressionError, resolve_leaf
from ordain.values.address import Address, Reference
from ordain.values.change import Action, Change
from ordain.values.data import (
    Json,
    Leaf,
    Path as TreePath,
    Secret,
    Tree,
    Unknown,
    dig,
    leaves,
    path_text,
    replace_leaves,
)
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.record import ResourceRecord, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A spec in its two forms: ``sealed`` may be kept, ``clear`` lives in the call; ``secrets`` are the paths."""

    sealed: Mapping[str, Tree]
    clear: Mapping[str, Json]
    secrets: tuple[TreePath, ...] = ()


def resolve(request: StepRequest, secrets: Mapping[str, str], scrub: Scrub) -> Resolved:
    """Return the spec of a step's change, whole and normalised.

    Raises ``OrdainError`` where an output or a secret is missing, an expression fails, or a value does not fit.
    """
    change = request.change
    if not any(True for _ in leaves(change.after)):  # the planner has normalised it
        return Resolved(sealed=change.after, clear=cast("Mapping[str, Json]", change.after))
    opener = _Opener(request=request, secrets=secrets, scrub=scrub)
    model = spec_model(request.kind_target, request.options_target)
    sealed = _tree(replace_leaves(change.after, opener.seal))
    if change.action is Action.DELETE:  # as recorded: it was good then, and the model may have changed since
        clear = _tree(replace_leaves(sealed, opener.open))
    else:
        sealed = ignoring(_normalised(request, model, sealed, opener), change, request.record)
        # In clear it is checked once more: not every text is a port number.
        clear = _checked(request, *check(model, _tree(replace_leaves(sealed, opener.open))))
    return Resolved(
        sealed=sealed,
        clear=cast("Mapping[str, Json]", clear),
        secrets=tuple(path for path, _ in leaves(sealed)),
    )


def known_spec(request: StepRequest) -> Mapping[str, Tree]:
    """Return the spec of a step's change with the outputs it reads filled in; what is secret stays a reference.

    Raises ``OrdainError`` where an output is missing.
    """
    opener = _Opener(request=request, secrets={}, scrub=Scrub())
    return _tree(replace_leaves(request.change.after, opener.seal))


def _normalised(
    request: StepRequest, model: type[Spec], sealed: Mapping[str, Tree], opener: _Opener
) -> Mapping[str, Tree]:
    spec, errors = check(model, sealed)
    if spec is not None or errors:
        return _checked(request, spec, errors)
    # The model is strict about what a secret may look like (a number, a pattern), so only the secret itself tells.
    clear = _checked(request, *check(model, _tree(replace_leaves(sealed, opener.open))))
    return _sealed(clear, tuple(leaves(sealed)))


def _sealed(clear: Mapping[str, Tree], held: tuple[tuple[TreePath, Leaf], ...]) -> Mapping[str, Tree]:
    out: Tree = clear
    for path, leaf in held:
        out = _placed(out, path, leaf)
    return _tree(out)


def _placed(tree: Tree, path: TreePath, leaf: Leaf) -> Tree:
    if not path:
        return leaf
    step, *rest = path
    if isinstance(tree, Mapping):
        return {**tree, str(step): _placed(tree[str(step)], tuple(rest), leaf)}
    assert isinstance(tree, list | tuple) and isinstance(step, int)
    return [*tree[:step], _placed(tree[step], tuple(rest), leaf), *tree[step + 1 :]]


def resolve_outputs(request: StepRequest, secrets: Mapping[str, str], scrub: Scrub) -> Mapping[str, Tree]:
    """Return what the plan says of the outputs, with what became known filled in."""
    opener = _Opener(request=request, secrets=secrets, scrub=scrub)
    return _tree(replace_leaves(request.change.outputs, opener.seal))


def complete(request: StepRequest, resolved: Resolved, inputs: Mapping[str, Json] | None) -> Change:
    """Return the change with what the plan could not know: the spec, the inputs, the fingerprint."""
    change = request.change
    if change.fingerprint is not None and not inputs:
        return change
    model = spec_model(request.kind_target, request.options_target)
    now = {**change.inputs, **(inputs or {})}
    fingerprint = fingerprint_of(model, resolved.sealed, now, record_part(change))
    return replace(change, after=resolved.sealed, inputs=now, fingerprint=fingerprint)


def places(request: StepRequest, address: Address, record: ResourceRecord | None) -> Places:
    """Return the folders of a resource's provider; where it has one, the private folder is there."""
    private = private_of(request, address, record)
    if request.provider_target:
        take_back(private, record)
        private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Places(root=Path(request.root), private=private)


def private_of(request: StepRequest, address: Address, record: ResourceRecord | None) -> Path:
    """Return where the private folder of a resource's provider is, or would be."""
    new = request.change.place if address == request.step.address else ""
    return Path(request.home) / "private" / plain_name(request.environment) / place_of(address, record, new)


@dataclass(slots=True, kw_only=True)
class _Opener:
    request: StepRequest
    secrets: Mapping[str, str]
    scrub: Scrub
    revealed: dict[Reference, Json] = field(default_factory=dict)

    def seal(self, leaf: Leaf) -> Tree:
        """Return the value of a leaf whose outputs are known; what is secret stays a reference."""
        if isinstance(leaf, Secret) and not self._to_be_joined(leaf):
            return leaf
        try:
            value = known_leaf(leaf, self._recorded)
        except ExpressionError as error:
            raise OrdainError(self._failed(leaf, error)) from error
        if isinstance(value, Unknown):
            raise OrdainError(self._missing(value.refs[0] if value.refs else None, value.expression))
        return value

    def _to_be_joined(self, leaf: Secret) -> bool:
        """Whether the planner could not yet see which secrets the outputs it reads bring along."""
        brought = {
            name
            for reference in leaf.refs
            for _, inner in leaves(self._recorded(reference))
            if isinstance(inner, Secret)
            for name in inner.names
        }
        return bool(leaf.refs) and brought != set(leaf.names)

    def open(self, leaf: Leaf) -> Tree:
        """Return the text, or the value, of a secret leaf."""
        try:
            value = resolve_leaf(leaf, self._clear, self._secret)
        except ExpressionError as error:
            raise OrdainError(self._failed(leaf, error)) from error
        self.scrub.add(cast(Json, value))
        return value

    def _secret(self, name: str) -> str:
        text = self.secrets.get(name)
        if text is None:
            raise OrdainError(
                self._problem(
                    "secret-missing",
                    f"{self.request.change.address} needs the secret {name}, which is not at hand",
                    fix=f"set {name}",
                    exit=ExitCode.NOT_PERMITTED,
                )
            )
        return text

    def _outputs(self, reference: Reference) -> Mapping[str, Tree]:
        record = self.request.upstream_by_address().get(reference.address)
        if record is None:
            raise OrdainError(self._missing(reference, f"${{{{ {reference} }}}}"))
        return record.outputs

    def _recorded(self, reference: Reference) -> Tree:
        """Return an output as it is recorded: a secret one, and all inside it, is its reference."""
        value: Tree = self._outputs(reference)
        for step in reference.path:
            if isinstance(value, Secret):
                return value
            try:
                value = dig(value, (step,))
            except KeyError:
                raise OrdainError(self._missing(reference, f"${{{{ {reference} }}}}")) from None
        return value

    def _clear(self, reference: Reference) -> Tree:
        """Return an output in clear."""
        value: Tree = self._outputs(reference)
        for number, step in enumerate(reference.path):
            try:
                value = dig(value, (step,))
            except KeyError:
                raise OrdainError(self._missing(reference, f"${{{{ {reference} }}}}")) from None
            if isinstance(value, Secret):
                top = Reference(address=reference.address, path=reference.path[: number + 1])
                value = self._reveal(top, value)
        return replace_leaves(value, lambda leaf: self._reveal(reference, leaf))

    def _reveal(self, reference: Reference, leaf: Leaf) -> Tree:
        """Open a secret that stands in an output: its own provider keeps it, or it was handed through."""
        if not isinstance(leaf, Secret):
            raise OrdainError(self._missing(reference, leaf.expression))
        own = Reference(address=reference.address, path=reference.path[:1])
        if leaf.names != (str(own),):
            return self.open(leaf)
        if own not in self.revealed:
            self.revealed[own] = self._ask(own)
            self.scrub.add(self.revealed[own])
        return self.revealed[own]

    def _ask(self, own: Reference) -> Json:
        target = self.request.targets.get(str(own.address), "")
        provider = load_provider(target) if target else None
        if not isinstance(provider, InfrastructureDriver):
            raise OrdainError(
                self._problem(
                    "secret-output",
                    f"the secret output {own} cannot be read",
                    detail=f"{own.address} has no provider that reveals what it keeps",
                    fix=f"plan again: ordain plan; see ordain state show {own.address}",
                )
            )
        record = self.request.upstream_by_address()[own.address]
        return provider.reveal(record, own.path[0], places(self.request, own.address, record))

    def _missing(self, reference: Reference | None, expression: str) -> Diagnostic:
        return self._problem(
            "output-missing",
            f"{self.request.change.address}: {expression} has no value",
            detail="the resource it reads was applied and does not give this output" if reference else "",
            fix=f"see what it gives: ordain state show {reference.address}" if reference else "plan again: ordain plan",
        )

    def _failed(self, leaf: Leaf, error: ExpressionError) -> Diagnostic:
        return self._problem(
            "expression-failed",
            f"{self.request.change.address}: {leaf.expression} cannot be computed",
            detail=str(error),
            fix="correct the expression, or the value it reads",
        )

    def _problem(
        self, code: str, summary: str, *, detail: str = "", fix: str = "", exit: ExitCode = ExitCode.STEP_FAILED
    ) -> Diagnostic:
        change = self.request.change
        return Diagnostic(
            code=code,
            summary=summary,
            detail=detail,
            fix=fix,
            blame=Blame.WORLD,
            exit=exit,
            address=change.address,
            at=change.at,
        )


def _tree(tree: Tree) -> Mapping[str, Tree]:
    return cast("Mapping[str, Tree]", tree)


def _checked(
    request: StepRequest, spec: Mapping[str, Tree] | None, errors: tuple[FieldError, ...]
) -> Mapping[str, Tree]:
    if spec is not None:
        return spec
    change = request.change
    raise OrdainError(
        *(
            Diagnostic(
                code="spec-value",
                summary=f"{change.address}: {path_text(('spec', *error.path))}: {error.message}",
                detail="an expression in this field gave a value that does not fit",
                fix="correct the expression, or the value it reads",
                exit=ExitCode.STEP_FAILED,
                address=change.address,
                path=("spec", *error.path),
                at=change.at,
            )
            for error in errors
        )
    )
