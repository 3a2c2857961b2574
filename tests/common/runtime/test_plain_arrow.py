"""Arrow without pandas: commands that read tables do not load it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow

CODE = """
import sys
from common.runtime.plain_arrow import without_pandas
{before}
without_pandas()
import pyarrow as pa
found = pa.array(["a", None, "b"]), pa.Table.from_pylist([{{"a": 1}}])
print("pandas" in sys.modules, [type(entry).__name__ for entry in sys.meta_path if "Without" in type(entry).__name__])
import pandas
print(len(pandas.Series([1])))
"""


@pytest.mark.parametrize(("before", "loaded"), [("", "False []"), ("import pandas", "True []")])
def test_arrays_load_no_pandas_which_stays_usable(before: str, loaded: str) -> None:
    code = CODE.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [loaded, "1"]
