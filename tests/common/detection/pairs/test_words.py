"""What logs say of pairs: which words are the same, who said them when, and that silence changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.detection.pairs.activity import activity_of
from common.detection.pairs.evidence import pair_evidence
from common.detection.pairs.word_keys import WordKeys
from common.detection.pairs.words import word_codes
from common.lake.lake import Lake
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import CIDRS, busy_hosts, slice_row, write_pairs
from tests.common.detection.synthetic import SETTINGS
from tests.factories import SPEC

NOW = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
PARAMETERS = SETTINGS.parameters.pairs


def words(**columns: list[Any]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def test_an_application_is_of_its_port_and_role_and_a_domain_of_what_hosts_begin() -> None:
    said = words(app=["ssl", "ssl", "ssl", "ssh", None], domain=["a.org", "a.org", "b.org", "a.org", "a.org"])
    service = np.array([886, 886, 887, 886, 44])  # 443 outbound and inbound, 22
    found = word_codes(said, service)
    app, domain = (found[name].tolist() for name in ("app", "domain"))
    assert app[0] == app[1] and len({*app}) == 4 and app[4] == 0
    assert (domain[0], domain[2]) == (domain[3], 0) and domain[0] == domain[4] > 0
    assert word_codes(words(app=[None], domain=["\ufffd" * 600]), service[:1]).keys() == {"domain"}
    assert word_codes(words(app=[None], domain=[None]), service[:1]) == {}


def test_only_words_of_the_pairs_are_told_apart() -> None:
    keys = WordKeys.of("app", [{"app": np.array([7, 0, 9])}, {}])
    found, said = keys.of_rows(np.array([0, 1, 2, 3]), {"app": np.array([9, 8, 0, 7])})
    assert said.tolist() == [True, True, False, True]
    host, value, _ = keys.parts(found)
    assert (host.tolist(), value.tolist()) == ([0, 1, 3], [1, 2, 0])
    assert keys.value("app", value, value).tolist() == [1, -1, 0]
    assert not len(WordKeys.of("app", []).of_rows(np.array([0]), {})[0])


def activity(folder: Path, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pairs of the window, by host."""
    lake = Lake(str(write_pairs(folder, rows, unfinished=f"{NOW:%Y-%m-%d}")), SPEC)
    found = activity_of(lake, Windows(NOW, NOW + WINDOW), CIDRS, PARAMETERS)
    assert found is not None
    return {row["host_ip"]: row for row in found.to_pylist()}


def said(host: int, age_days: float, app: str | None, domain: str | None = None, **differs: Any) -> dict[str, Any]:
    """A slice of that age in which the logs of HTTPS of a host say this."""
    start = NOW - timedelta(days=age_days)
    return slice_row(start, host_ip=f"10.0.0.{host}", app=app, domain=domain, **differs)


def test_a_first_application_is_as_rare_as_the_hosts_that_have_said_any_make_it(tmp_path: Path) -> None:
    past = [said(host, 3, "ssl") for host in range(1, 8)] + [said(8, 3, None)]
    found = activity(tmp_path, [*past, said(1, 0, "ssh"), said(2, 0, "ssl"), said(8, 0, "ssl")])
    ssh, ssl, first = (found[f"10.0.0.{host}"] for host in (1, 2, 8))
    assert (ssh["app"], ssh["app_new"], ssh["app_others"], ssh["app_bits"]) == ("ssh", True, 0, np.log2(8 / 1))
    assert not ssh["service_new"] and ssh["service_bits"] == 0.0
    assert (ssl["app_new"], ssl["app_bits"]) == (False, 0.0)
    # a host whose logs have said nothing so far has no past: what a quorum of others says is not new to it
    assert (first["app_new"], first["app_bits"], first["app_others"]) == (False, 0.0, 7)


def test_a_window_has_the_word_of_most_sessions_whatever_the_protocol(tmp_path: Path) -> None:
    rows = [said(1, 0, "ssl", "a.org", sessions_cnt=3), said(1, 0, "quic", "b.org", sessions_cnt=4, protocol="udp")]
    (row,) = activity(tmp_path, [said(1, 3, "ssl"), *rows]).values()
    assert (row["app"], row["domain"], row["sessions"]) == ("quic", "b.org", 7)


@pytest.mark.parametrize("kept", ["slices", "days"])
def test_words_of_today_and_of_days_before_are_known(tmp_path: Path, kept: str) -> None:
    """Of dates before, `pair_days` is read; of today, the slices, but what is younger than a day stays new."""
    age = {"slices": 0.25, "days": 2.0}[kept]
    past = [said(host, 5, "ssl", "a.org") for host in range(1, 4)]
    found = activity(tmp_path, [*past, said(1, age, "ssl", "b.org"), said(1, 0, "ssl", "b.org")])
    assert (found["10.0.0.1"]["domain"], found["10.0.0.1"]["domain_new"]) == ("b.org", kept == "slices")


@pytest.mark.parametrize("measure", ["bits", "bits_now"])
def test_silent_logs_change_no_evidence(tmp_path: Path, measure: str) -> None:
    rows = busy_hosts(NOW - timedelta(days=2), 4, 192)
    lake = Lake(str(write_pairs(tmp_path, rows)), SPEC)
    found = activity_of(lake, Windows(NOW - timedelta(days=1), NOW), CIDRS, PARAMETERS)
    assert found is not None
    assert found["app"].null_count == found["domain"].null_count == len(found)
    evidence = pair_evidence(found, PARAMETERS)
    assert evidence.among_others is not None
    rarities = evidence.rarities if measure == "bits" else evidence.among_others.rarities
    assert any(values.any() for values in rarities.values())
    for what in ("peer", "network", "service", "use"):
        assert rarities[f"{what}_rarity"].tobytes() == found[f"{what}_{measure}"].to_numpy().tobytes()


def test_what_logs_say_makes_a_pair_at_least_as_rare(tmp_path: Path) -> None:
    past = [said(host, 3, "ssl", "a.org") for host in range(1, 8)]
    now = [said(1, 0, "ssh", "a.org"), said(2, 0, "ssl", "b.org"), said(3, 0, "ssl", "a.org")]
    found = activity_of(
        Lake(str(write_pairs(tmp_path, [*past, *now], unfinished=f"{NOW:%Y-%m-%d}")), SPEC),
        Windows(NOW, NOW + WINDOW), CIDRS, PARAMETERS,
    )  # fmt: skip
    assert found is not None
    rarities = pair_evidence(found, PARAMETERS).rarities
    # log2((7 + 1) / (0 + 1)): seven hosts, none of which has used ssh on 443, or met b.org
    assert rarities["service_rarity"].tolist() == [3.0, 0.0, 0.0]
    assert rarities["network_rarity"].tolist() == [0.0, 3.0, 0.0]
