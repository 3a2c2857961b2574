"""Variables of the environment end with their block, however it ends."""

from __future__ import annotations

import os

import pytest

from common.runtime.environment import default_variables, variables


def test_the_variables_of_before_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDR_TEST_KNOWN", "before")
    with pytest.raises(KeyboardInterrupt), variables({"NDR_TEST_KNOWN": "now", "NDR_TEST_NEW": "now"}):
        assert (os.environ["NDR_TEST_KNOWN"], os.environ["NDR_TEST_NEW"]) == ("now", "now")
        raise KeyboardInterrupt
    assert os.environ["NDR_TEST_KNOWN"] == "before"
    assert "NDR_TEST_NEW" not in os.environ


def test_defaults_change_nothing_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDR_TEST_KNOWN", "")
    with default_variables({"NDR_TEST_KNOWN": "now", "NDR_TEST_NEW": "now"}):
        assert (os.environ["NDR_TEST_KNOWN"], os.environ["NDR_TEST_NEW"]) == ("", "now")
    assert "NDR_TEST_NEW" not in os.environ
