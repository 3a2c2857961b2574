from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.detection.firewall import as_rare, categories, countries, described, rarity, users

DAY = datetime(2024, 3, 12, 0, 8, tzinfo=UTC)


def rows_of(*rows: tuple[str, int, str | None]) -> tuple[pd.DataFrame, pd.Series]:
    """Hosts, days and what was said there."""
    found = pd.DataFrame(rows, columns=["host_ip", "day", "value"])
    return found[["host_ip", "day"]], found["value"]


def test_a_value_is_rare_on_its_first_day_by_the_others_who_had_it_by_then() -> None:
    before, past = rows_of(("a", 1, "x"), ("b", 2, "x"), ("c", 1, "y"), ("d", 1, None))
    rows, values = rows_of(("c", 3, "x"), ("a", 3, "x"), ("a", 3, "z"), ("a", 3, None))
    # three hosts had any value; two others had x before c, none had z
    np.testing.assert_allclose(rarity(before, rows, values, past), [np.log2(4 / 3), 0, np.log2(4 / 1), 0])


def test_a_value_is_as_rare_as_its_tail_among_training_rows_of_its_kind() -> None:
    training, kinds = np.array([0.0] * 99 + [3.0] + [3.0] * 100), np.array([0] * 100 + [1] * 100)
    _, found = as_rare(training, np.array([3.0, 3.0, 0.0]), (kinds, np.array([0, 1, 0])))
    np.testing.assert_allclose(found, [np.log10(101 / 2), 0.0, 0.0])  # one of 100, all of 100


def test_what_attackers_do_is_what_the_background_has_not() -> None:
    keys = {"host_ip": "10.0.0.1", "peer_port": 443, "window_start_ts": DAY, "internal": False, "role": "outbound"}
    table = pa.Table.from_pylist(
        [keys | {"peer_ip": "45.1.1.1"}, keys | {"peer_ip": "198.51.100.7"}, keys | {"peer_ip": "198.51.100.8"}]
    )
    labels = pd.DataFrame({"host_ip": ["10.0.0.1"], "window_start": [DAY], "attack": ["c2"]})
    background = table.slice(1, 1).to_pandas()[["host_ip", "peer_ip", "peer_port", "window_start_ts"]]
    found = described(table, labels, background, {"198.51.100"})
    assert found["attack"].tolist() == ["c2", "", "c2"]
    assert found["stranger"].tolist() == [True, False, False]


def drawn_rows() -> pd.DataFrame:
    """5,000 peers, every fifth of which is an attacker's."""
    number = np.arange(5_000)
    attack = np.where(number % 5 == 0, "moves", "")
    return pd.DataFrame(
        {
            "host_ip": "10.0.0.1",
            "peer_ip": [f"45.{n // 250}.{n % 250}.9" for n in number],
            "peer_port": 443,
            "window_start_ts": DAY + timedelta(minutes=15),
            "network": [f"45.{n // 250}.{n % 250}" for n in number],
            "day": DAY.date(),
            "internal": False,
            "web": True,
            "attack": attack,
            "stranger": attack != "",
        }
    )


def test_attackers_stand_out_at_one_end_only() -> None:
    rows = drawn_rows()
    attacked = rows["attack"] != ""
    for draw, sign in ((countries, "far"), (categories, "odd")):
        apart, alike = (draw(rows, end).str.startswith(sign) for end in (True, False))
        assert apart[attacked].mean() > 0.6 and apart[~attacked].mean() < 0.02 and alike.mean() < 0.02
    inside = rows.assign(internal=True)
    assert (users(inside, True)[attacked].str.startswith("stolen")).all()
    assert (users(inside, False) == "10.0.0.1").all() and users(rows, True).isna().all()
