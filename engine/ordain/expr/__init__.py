"""Expressions, pure: templates in specs (`${{ }}`) and rules (CEL)."""
