"""Where the files that are not code are: `templates/` and `schemas/`."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal


def packaged(kind: Literal["templates", "schemas"]) -> Traversable:
    """The folder of that kind: inside the package when installed from a wheel, else at the root of the checkout."""
    inside = files("ordain").joinpath(kind)
    return inside if inside.is_dir() else Path(__file__).parents[2] / kind
