from datetime import UTC, datetime

import numpy as np
import pandas as pd

from bench.detection.threats import attacks, severities

DAY = datetime(2024, 3, 12, 0, 8, tzinfo=UTC)


def rows_of(count: int) -> pd.DataFrame:
    """The sessions of a client with so many servers in a window."""
    servers = [f"45.{n // 250}.{n % 250}.9" for n in range(count)]
    return pd.DataFrame({"client": "10.0.0.1", "server": servers, "peer_port": 443, "window_start_ts": DAY})


def test_an_attack_is_what_an_attacker_began_and_the_background_has_not() -> None:
    rows = rows_of(4)
    rows.loc[3, "client"] = "10.0.0.2"
    labels = pd.DataFrame({"host_ip": ["10.0.0.1", "10.0.0.2"], "window_start": [DAY, DAY], "attack": ["c2", ""]})
    assert attacks(rows, rows.iloc[:1], labels).tolist() == [False, True, True, False]


def test_attackers_stand_out_at_one_end_only_and_mistakes_by_their_number() -> None:
    rows, attack = rows_of(20_000), np.arange(20_000) % 5 == 0
    apart, others, often = (severities(rows, attack, *end) for end in ((True, 1), (False, 1), (False, 500)))
    assert 0.27 < (apart[attack] > 0).mean() < 0.33 and not (apart[~attack] > 0).mean() > 0.001
    assert np.array_equal(others[~attack], apart[~attack]) and (others[attack] > 0).mean() < 0.001
    assert 0.04 < (often > 0).mean() < 0.06  # all servers, in one of 20 windows
    assert set(apart.tolist()) == {0, 4, 5} and 0.2 < (apart[apart > 0] == 5).mean() < 0.3
