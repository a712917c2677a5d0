"""Small tables, requests to the trainer over them, and the real bank-marketing data."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest

from ordain.api import Progress, Trained, TrainRequest
from ordain_sklearn.options import SklearnOptions
from ordain_sklearn.trainer import Sklearn

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before scikit-learn, as the trainer does in a process of its own
ROOT = Path(__file__).parents[3]
FEATURES = ("a", "b", "c", "d", "e", "day", "when")


def small_table(rows: int = 260) -> pa.Table:
    """Every type of column, gaps in some; targets: ``t`` (two classes), ``k`` (three), ``num``."""
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=rows), draw.normal(size=rows)
    noisy = a + 0.3 * draw.normal(size=rows)
    return pa.table(
        {
            "a": a,
            "b": pa.array(np.where(draw.random(rows) < 0.1, np.nan, b), from_pandas=True),
            "c": pa.array([None if one == "z" else one for one in draw.choice(list("xyz"), rows)]),
            "d": pa.array([f"k{one}" for one in draw.integers(0, 60, rows)]),
            "e": pa.array([bool(one) for one in draw.integers(0, 2, rows)]),
            "day": pa.array([date(2024, 1, 1) + timedelta(days=int(one)) for one in range(rows)]),
            "when": pa.array([datetime(2024, 1, 1) + timedelta(hours=7 * one) for one in range(rows)]),
            "t": pa.array(["yes" if one > 0 else "no" for one in noisy]),
            "k": pa.array(["low" if one < -0.5 else "high" if one > 0.5 else "mid" for one in noisy]),
            "num": np.abs(noisy) + 0.1,
        }
    )


@dataclass(kw_only=True)
class Bench:
    """Trains on parts written to ``folder``; ``said`` is what was reported."""

    folder: Path
    said: list[str]

    def request(
        self, table: pa.Table, features: tuple[str, ...], spec: Mapping[str, Any], held_out: float = 0.2
    ) -> TrainRequest:
        """Return the request for a spec over a table, whose last share of rows is held out."""
        cut = int(table.num_rows * (1 - held_out))
        self.folder.mkdir(exist_ok=True)
        train, test = self.folder / "train.parquet", self.folder / "test.parquet"
        parquet.write_table(table.slice(0, cut), train)
        parquet.write_table(table.slice(cut), test)
        own = {key: spec[key] for key in ("estimator", "params", "preprocess", "metrics") if key in spec}
        options = SklearnOptions.model_validate(own).model_dump(mode="json")
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return TrainRequest(
            spec={"target": "t", "positive": None, "seed": 3, **spec, **options},
            train=train,
            test=test,
            features=features,
            columns={},
            folder=scratch,
            report=self._hear,
            trusted=tuple(spec.get("trusted", ())),
        )

    def train(self, estimator: str, table: pa.Table | None = None, **spec: Any) -> Trained:
        """Train ``sklearn.ESTIMATOR``; ``features``: other columns than all of the small table's."""
        features = spec.pop("features", FEATURES)
        path = estimator if spec.pop("foreign", False) else f"sklearn.{estimator}"
        request = self.request(table if table is not None else small_table(), features, {"estimator": path, **spec})
        return Sklearn().train(request)

    def _hear(self, progress: Progress) -> None:
        self.said.append(progress.message)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(folder=tmp_path / "bench", said=[])


@pytest.fixture
def small() -> pa.Table:
    return small_table()


@pytest.fixture(scope="session")
def bank() -> pa.Table:
    """The real data, without the column that is known only after the call."""
    packed = ROOT / "examples" / "bank-marketing" / "data" / "bank-marketing.csv.gz"
    table = csv.read_csv(io.BytesIO(gzip.decompress(packed.read_bytes())))
    return table.drop_columns(["duration"])


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[[str], Bench]:
    return lambda name: Bench(folder=tmp_path / name, said=[])
