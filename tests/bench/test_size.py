from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from bench.detection import enlarge
from bench.detection.experiment import as_used, fit, read, read_labels
from bench.detection.size import Quality, learn, quality, score
from common.detection.pairs.contacts import distinct
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.reading import window_number
from common.lake.lake_format import create_record
from common.windows import WINDOW, Windows
from tests.common.detection.pairs.pair_tables import busy_hosts, quarter, slice_row, write_pairs
from tests.tools.lake.test_identity import ACME

FIRST = datetime(2024, 3, 7, 0, 8, tzinfo=UTC)
LAST = FIRST + timedelta(days=5)
HOSTS = ("10.20.0.1", "10.20.0.2", "10.20.0.3")
SERVER = "10.20.0.9"


def scenario(folder: Path, attacker: str, peer: str) -> str:
    """Three hosts that meet one network together, and each a stranger of its own a day; one is an attacker at last."""
    rows, labels = [], []
    for day in range(6):
        start = FIRST + timedelta(days=day)
        for number, host in enumerate(HOSTS):
            peers = ["198.51.100.7", f"45.{day}.{number}.5"]
            peers += [peer] if host == attacker and start == LAST else []
            rows += [slice_row(start, host_ip=host, peer_ip=one) for one in peers]
            rows.append(slice_row(start, host_ip=host, peer_ip=SERVER, peer_port=445))
            rows.append(slice_row(start, host_ip=SERVER, role="inbound", peer_ip=host, peer_port=445))
            attack = "c2" if host == attacker and start == LAST else ""
            labels.append((host, f"{start:%Y-%m-%dT%H:%M:%SZ}", attack))
    create_record(str(folder / "lake"), ACME)
    write_pairs(folder / "lake", rows)
    pd.DataFrame(labels, columns=["host_ip", "window_start", "attack"]).to_csv(folder / "labels.csv", index=False)
    return f"{folder / 'lake'}:{folder / 'labels.csv'}"


@pytest.fixture(scope="module")
def enlarged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sites and four days of two variants."""
    folder = tmp_path_factory.mktemp("enlarged")
    first = scenario(folder / "first", HOSTS[0], "203.0.113.9")
    second = scenario(folder / "second", HOSTS[1], "203.0.113.9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [
            "enlarge", "--scenario", f"first={first}", f"second={second}", "--sites", "4", "--days", "4",
            "--slices", "2", "--copies", "1", "--out", str(folder / "out"),
        ])  # fmt: skip
        enlarge.main()
    return folder / "out"


def rows_of(out: Path, table: str) -> pd.DataFrame:
    found: pd.DataFrame = DeltaTable(out / "lake" / table).to_pyarrow_table().to_pandas()
    return found


def test_sites_have_the_hosts_of_the_scenario_and_strangers_of_their_own(enlarged: Path) -> None:
    pairs = rows_of(enlarged, "delta_pair")
    began = pairs[pairs["role"] == "outbound"]
    assert set(began["host_ip"]) == {f"10.{20 + site}.0.{host}" for site in range(4) for host in (1, 2, 3)}
    outside = began[~began["peer_ip"].str.startswith("10.")]
    met = outside.groupby("peer_ip").size()
    assert met["198.51.100.7"] == 2 * 4 * 3
    assert (met.drop("198.51.100.7") == 1).all()
    inside = began[began["peer_ip"].str.startswith("10.")]
    assert (inside["peer_ip"].str.split(".").str[1] == inside["host_ip"].str.split(".").str[1]).all()
    ends = pairs[pairs["role"] == "inbound"][["peer_ip", "host_ip", "window_start_ts"]]
    assert sorted(ends.itertuples(index=False, name=None)) == sorted(
        inside[["host_ip", "peer_ip", "window_start_ts"]].itertuples(index=False, name=None)
    )


def test_the_last_days_have_slices_and_all_have_a_roll_up(enlarged: Path) -> None:
    pairs, days = rows_of(enlarged, "delta_pair"), rows_of(enlarged, "pair_days")
    assert sorted(set(pairs["date"])) == ["2024-03-11", "2024-03-12"]
    assert sorted(set(days["date"])) == ["2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12"]
    assert (pairs["window_start_ts"].dt.strftime("%Y%m%dT%H%MZ") == pairs["window"]).all()
    keys = ["host_ip", "role", "peer_ip", "peer_port", "date"]
    rolled = days[days["date"] >= "2024-03-11"][keys].sort_values(keys).reset_index(drop=True)
    assert rolled.equals(pairs[keys].sort_values(keys).reset_index(drop=True))


def test_one_site_has_the_attack_of_each_variant_in_a_network_of_its_own(enlarged: Path) -> None:
    labels = pd.read_csv(enlarged / "labels.csv", keep_default_na=False)
    attacked = labels[labels["attack"] == "c2"]
    assert len(labels) == 12 and set(labels["window_start"]) == {f"{LAST:%Y-%m-%dT%H:%M:%SZ}"}
    assert sorted(attacked["host_ip"].str[-1]) == ["1", "2"] and attacked["host_ip"].str[:5].nunique() == 2
    pairs = rows_of(enlarged, "delta_pair")
    met = pairs[pairs["role"] == "outbound"].groupby(["host_ip", "date"]).size().reset_index(name="count")
    more = met[met["count"] == 4]
    assert set(more["host_ip"]) == set(attacked["host_ip"]) and more["date"].tolist() == [f"{LAST:%Y-%m-%d}"] * 2


def test_the_five_days_before_the_last_are_different_ones() -> None:
    dates = [f"2024-03-{day:02d}" for day in range(5, 13)]
    choice = enlarge.Days.of(dates)
    assert choice.held_out == ["2024-03-11", "2024-03-12"] and choice.weekend == ["2024-03-09", "2024-03-10"]
    days = [LAST.date() - timedelta(days=age) for age in reversed(range(30))]
    found = choice.of_host(days, True, np.random.default_rng(1))
    assert len(set(found[-6:])) == 6 and found[-1] == "2024-03-11"
    assert not {"2024-03-11", "2024-03-12"} & set(found[:-1])


@pytest.mark.slow
def test_scores_by_parts_are_those_of_one_piece(tmp_path: Path) -> None:
    """Learning and scoring by the passes of the jobs gives what `bench.detection.experiment` gives."""
    first = datetime(2024, 3, 4, 0, 8, tzinfo=UTC)
    boundary = quarter(first, 2 * 96)
    lake = str(write_pairs(tmp_path / "lake", busy_hosts(first, 4, 3 * 96)))
    training, day = Windows(first, boundary), Windows(boundary, boundary + 96 * WINDOW)
    learnt = learn(lake, training, 1_000_000)
    pairs, spread, of_pairs, of_spread = fit(read(lake, training))
    activity = read(lake, day)
    expected = as_used(pairs.judge(activity), spread.judge(activity))
    found = score(lake, day, learnt.models, 24)
    hosts, windows = zip(*expected, strict=True)
    keys = pa.table({"host_ip": hosts, "window_start_ts": pa.array(windows, pa.timestamp("us", "UTC"))})
    assert len(found.values) == len(expected) > 0
    np.testing.assert_allclose(found.of_keys(keys), list(expected.values()), atol=1e-9)
    assert sorted(learnt.past.values) == pytest.approx(sorted(as_used(of_pairs, of_spread).values()))
    some = learn(lake, training, learnt.rows // 2)
    assert learnt.source == "all of 192 windows of 4 hosts"
    drawn, every = ({*one.past.window.tolist()} for one in (some, learnt))
    assert some.source == "48 of 192 windows of 4 hosts"  # which have pairs in every second window
    assert drawn < every and distinct(some.past.host).tolist() == distinct(learnt.past.host).tolist()


def test_quality_counts_hosts_at_the_alert_line_of_the_past(tmp_path: Path) -> None:
    boundary = datetime(2024, 3, 12, 0, 8, tzinfo=UTC)
    first, n = window_number(boundary), 200
    values = np.linspace(0, 1, n)
    hosts = 0x0A140000 + np.arange(n)  # 10.20.0.0 and the addresses after it
    past = HostScores(hosts, np.full(n, first - 96), np.zeros(n, dtype=np.int64), values)
    now = HostScores(hosts[:4], np.full(4, first), np.zeros(4, dtype=np.int64), np.array([9.0, 0.1, 8.0, 0.2]))
    place = tmp_path / "labels.csv"
    rows = [("10.20.0.0", "c2"), ("10.20.0.1", "upload"), ("10.20.0.2", ""), ("10.20.0.3", "")]
    pd.DataFrame([(host, f"{boundary:%Y-%m-%dT%H:%M:%SZ}", attack) for host, attack in rows],
                 columns=["host_ip", "window_start", "attack"]).to_csv(place, index=False)  # fmt: skip
    found = quality(read_labels(place, boundary), now, past, boundary)
    # in order: c2, clean, clean, upload: precision 1/1 and 2/4 at the two attacks
    assert found == Quality((1 + 2 / 4) / 2, 2, 1, 2, 500.0, ["upload"])
