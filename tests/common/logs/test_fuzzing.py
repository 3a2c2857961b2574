from __future__ import annotations

import pytest

from tests.common.logs.fuzzing import fuzz


@pytest.mark.slow
def test_no_spoilt_file_crashes_a_reader_or_loses_a_record_in_silence() -> None:
    summary = fuzz(seed=1, count=120)
    assert summary.failures == []
    assert summary.files == 120 and summary.read > 50 and summary.holes > 5 and summary.refused
