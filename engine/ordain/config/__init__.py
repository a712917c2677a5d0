"""YAML → Desired: load (text → documents), resolve (→ what one environment asks for), locate (positions)."""
