"""Secrets: found in the environment, digested with the state's key, opened only for a plugin's call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ordain.expr.templates import Scope, evaluate
from ordain.session.keyed import find_secret, keyed_digest
from ordain.values.data import Leaf, Secret, Tree, leaves, replace_leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets at hand: ``secret.NAME`` from the environment variable NAME, ``var.x`` from secret variables.

    ``key`` is the state's digest key, None while there is no state.
    """

    environ: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    key: bytes | None = None

    def find(self, name: str) -> str | None:
        """Return a secret's text, or None where it is not at hand."""
        return find_secret(name, self.environ, self.variables)

    @staticmethod
    def source(name: str) -> str:
        """Return the environment variable a secret is read from."""
        kind, _, rest = name.partition(".")
        return rest if kind == "secret" else f"ORDAIN_VAR_{rest}"

    def open(self, name: str) -> str:
        """Return a secret's text; raise ``OrdainError`` that says where it is looked for."""
        text = self.find(name)
        if text is None:
            where = self.source(name)
            raise OrdainError(
                Diagnostic(
                    code="secret-missing",
                    summary=f"the secret {name} is not set",
                    detail=f"it is read from the environment variable {where}",
                    fix=f"export {where}=…",
                    blame=Blame.WORLD,
                    exit=ExitCode.NOT_PERMITTED,
                )
            )
        return text

    def digest(self, names: tuple[str, ...]) -> str | None:
        """Return the keyed digest (HMAC-SHA-256, 32 hex digits) of these secrets, None where one is not at hand."""
        return keyed_digest(self.key, [self.find(name) for name in names])

    def seal(self, tree: Tree) -> Tree:
        """Return the tree with a digest on each secret that had none and is at hand."""

        def sealed(leaf: Leaf) -> Tree:
            if not isinstance(leaf, Secret) or leaf.digest is not None:
                return leaf
            variables = {
                name.removeprefix("var."): Secret(
                    expression=f"${{{{ {name} }}}}", names=(name,), digest=self.digest((name,))
                )
                for name in leaf.names
                if name.startswith("var.")
            }
            return evaluate(leaf.expression, Scope(variables=variables, digest=lambda name: self.digest((name,))))

        return replace_leaves(tree, sealed)

    def needed(self, tree: Tree) -> Mapping[str, str]:
        """Return the texts of all secrets that the tree names and that are found here, by name."""
        names = {name for _, leaf in leaves(tree) if isinstance(leaf, Secret) for name in leaf.names}
        return {name: self.open(name) for name in sorted(names) if name.startswith(("secret.", "var."))}
