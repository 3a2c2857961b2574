from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.detection import attacks, changes
from bench.detection.experiment import figures, read_labels
from bench.detection.flows import DAY, Scene, sessions
from bench.detection.indicators import attackers, orders, popular, severities
from bench.detection.variants import VARIANTS, network_of, popular_networks

HOSTS = {f"users-{n:02d}": f"10.20.{10 + n % 3}.{20 + n}" for n in range(48)} | {
    f"iot-{n:02d}": f"10.20.20.{20 + n}" for n in range(12)
}
NEIGHBOURS = [f"198.51.{n}.9" for n in range(200)]


@pytest.fixture
def scene() -> Scene:
    servers = [f"10.20.0.{n}" for n in range(10, 16)]
    return Scene(HOSTS, servers, NEIGHBOURS, 7.0 * DAY, np.random.default_rng(1), 8)


@pytest.fixture
def flows(scene: Scene) -> pd.DataFrame:
    ends = scene.ticks(scene.at("02:00"), 7200, 10)
    c2 = sessions(scene, "c2_beacon", ends, HOSTS["users-07"], "203.0.113.5", 6667)
    flood = sessions(scene, "ddos_flood", ends[:50], HOSTS["users-16"], "203.0.113.6", 80, answered=False)
    return pd.concat([c2, flood], ignore_index=True)


def test_hidden_attacks_keep_their_sessions_on_443_in_known_networks(flows: pd.DataFrame, scene: Scene) -> None:
    hidden = attacks.in_known_networks(flows, scene)
    assert len(hidden) == len(flows) and set(hidden["dport"]) == {443}
    assert set(hidden["dst"]) <= set(NEIGHBOURS)
    assert hidden.groupby("attack")["dst"].nunique().tolist() == [1, 1]
    assert hidden["dst"].nunique() == 2


def test_thinned_c2_keeps_one_session_in_forty(flows: pd.DataFrame, scene: Scene) -> None:
    thin = attacks.thinned(flows, scene)
    counts = thin["attack"].value_counts()
    assert counts["c2_beacon"] == -(-720 // 40) and counts["ddos_flood"] == 50


@pytest.mark.parametrize(
    "edit", [attacks.answered, attacks.lateral, attacks.families, attacks.on_web_port, attacks.quiet]
)
def test_every_edit_gives_flows_of_the_last_day_with_a_name(
    flows: pd.DataFrame, scene: Scene, edit: Callable[..., pd.DataFrame]
) -> None:
    made = edit(flows, scene)
    assert list(made.columns) == list(flows.columns)
    assert (made["attack"] != "").all() and not made.isna().any().any()
    assert made["end"].between(7 * DAY, 8 * DAY + 7200).all()
    assert made["dport"].between(0, 65535).all()


@pytest.mark.parametrize("change", [changes.rollout, changes.backup, changes.scanner])
def test_harmless_changes_are_unlabelled_and_of_many_hosts(scene: Scene, change: Callable[..., pd.DataFrame]) -> None:
    made = change(scene)
    assert (made["attack"] == "").all()
    assert max(made["src"].nunique(), made["dst"].nunique()) >= 16


def test_resident_attacks_are_the_same_on_every_day(flows: pd.DataFrame, scene: Scene) -> None:
    made = attacks.resident(flows, scene)
    days = made.assign(day=(made["end"] // DAY).clip(upper=7)).groupby(["attack", "src"])["day"].nunique()
    assert len(days) == 10 and (days == scene.days).all()
    c2 = made[made["attack"] == "c2_resident"]
    assert (c2.groupby("src")["dst"].nunique() == 1).all()


def test_a_trickle_of_c2_has_a_few_contacts_a_day_for_three_days(flows: pd.DataFrame, scene: Scene) -> None:
    made = attacks.trickle(flows, scene)
    assert made["src"].nunique() == 5
    assert made["end"].between(5 * DAY, 8 * DAY).all()
    assert made.groupby("src").size().between(12, 36).all()


def test_sessions_without_a_reply_say_so(scene: Scene) -> None:
    made = sessions(scene, "x", np.arange(3.0), "10.0.0.1", "10.0.0.2", 22, answered=[True, False, True])
    assert made["app"].tolist() == ["ssh", "incomplete", "ssh"]
    assert made["bytes_recv"].gt(0).tolist() == [True, False, True]


def test_popular_networks_are_those_of_most_blocks() -> None:
    trace = pd.DataFrame(
        {"src": "10.0.0.1", "dst": ["198.51.100.1"] * 3 + ["192.0.2.1"] * 9, "start": [0, 900, 1800] + [5] * 9}
    )
    many = pd.DataFrame({"src": "10.0.0.1", "dst": [f"203.0.{n}.1" for n in range(100)], "start": range(100)})
    config = {"traces": {"a": {"host": "10.0.0.1", "idle_h": [0, 7]}, "attack": {"host": "10.0.0.1"}}}
    found = popular_networks(config, {"a": pd.concat([trace, many]), "attack": many.assign(dst="1.2.3.4")})
    assert len(found) == 60 and "198.51.100" in found and "1.2.3" not in found
    assert network_of("10.1.2.3") == "10.1.2"


def test_figures_count_hosts_by_their_best_window() -> None:
    start = pd.Timestamp("2024-03-12T00:08Z")
    labels = pd.DataFrame(
        {"host_ip": ["a", "a", "b", "c"], "window_start": [start, start + pd.Timedelta("15min"), start, start],
         "attack": ["", "x", "", "x"]}
    )  # fmt: skip
    score = {("a", start): 3.0, ("a", start + pd.Timedelta("15min")): 2.0, ("b", start): 1.0}
    # ranks: a clean (3), a attacked (2), b (1), c attacked (0): precision 1/2 and 2/4; host a's best window is clean
    precision, *counts = figures(labels, score)
    assert precision == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert counts == [1, 2]


def test_targets_of_attacks_count_neither_way(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "host_ip,window_start,attack\na,2024-03-12T00:08:00Z,scan+c2:target\n"
        "b,2024-03-12T00:08:00Z,scan:target\nc,2024-03-12T00:08:00Z,\nd,2024-03-11T00:08:00Z,scan\n"
    )
    found = read_labels(path, datetime(2024, 3, 12, 0, 8, tzinfo=UTC))
    assert found[["host_ip", "attack"]].to_numpy().tolist() == [["a", "scan+c2:target"], ["c", ""]]


def test_every_variant_has_a_name_and_changes_something() -> None:
    assert sum(variant == VARIANTS["base"] for variant in VARIANTS.values()) == 1


def met(*rows: tuple[str, int, str]) -> pa.Table:
    """Pairs of a host, the number of a window and a peer."""
    hosts, windows, peers = zip(*rows, strict=True)
    starts = [datetime(2024, 3, 12, tzinfo=UTC) + pd.Timedelta(minutes=15 * number) for number in windows]
    times = pa.array(starts, pa.timestamp("us", "UTC"))
    return pa.table({"host_ip": hosts, "window_start_ts": times, "peer_ip": peers})


def test_indicators_are_what_attacks_alone_meet_and_what_many_hosts_do() -> None:
    attacked = pd.DataFrame(
        {
            "host_ip": ["10.0.0.1"] * 3,
            "window_start": met(*(("10.0.0.1", number, "") for number in range(3)))["window_start_ts"].to_pandas(),
            "attack": ["c2", "c2", ""],
        }
    )
    c2, shared, once = "203.0.113.1", "203.0.113.2", "203.0.113.3"
    activity = met(
        ("10.0.0.1", 0, c2), ("10.0.0.1", 1, c2), ("10.0.0.1", 0, shared), ("10.0.0.2", 0, shared),
        ("10.0.0.1", 2, once), ("10.0.0.1", 0, "10.0.0.9"),
    )  # fmt: skip
    assert attackers(activity, attacked) == [c2]  # the second one is met by others, the third after the attack
    assert popular(activity, 1) == [shared]


def test_severities_follow_the_share_of_past_scores() -> None:
    past = np.arange(100_000, dtype=np.float64)
    values = np.array([0.0, 99_890.0, 99_930.0, 99_960.0, 99_990.0, 1e9])
    # 110, 70, 40 and 10 of 100,000 are as high: 2.95, 3.15, 3.39 and 3.96 decades
    assert severities(values, past).tolist() == [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_hit_moves_an_alert_within_its_severity_alone() -> None:
    now = pd.Timestamp("2024-03-12", tz="UTC")
    score = {(name, now): value for name, value in (("a", 2e5), ("b", 1.5e5), ("c", 99_990.0), ("d", 10.0))}
    past = {(str(number), now): float(number) for number in range(100_000)}
    hit = pd.DataFrame({"host_ip": ["b", "c", "d"], "window_start_ts": [now] * 3, "main": [True, False, True]})
    found = {
        name: [host for (host, _), _ in sorted(order.items(), key=lambda entry: -entry[1])]
        for name, order in orders(score, past, hit).items()
    }
    assert found["without"] == ["a", "b", "c", "d"]
    assert found["as cases are"] == found["any hit"] == ["b", "a", "c", "d"]
    assert found["in the score"] == ["a", "b", "c", "d"]
