"""Labels: all sessions and malicious sessions of every internal machine and window."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tools.simulate.attacks import ATTACKS
from tools.simulate.plans import Records
from tools.simulate.sessions import window_of

TARGET = ":target"
LABEL_COLUMNS = ["host_ip", "window_start", "attack", "malicious_flows", "total_flows"]


def count_labels(sessions: Records, machines: dict[int, str]) -> pd.DataFrame:
    """One row per machine and window with sessions, ordered by window and address; `window` in epoch seconds.

    A session counts at both ends. `attack` is empty, the attack's name, or its name with `:target` for a machine that
    only receives malicious sessions in the window; several names are joined by `+`.
    """
    ends = pd.DataFrame(
        {
            "host": np.concatenate([sessions["src"], sessions["dst"]]),
            "window": np.tile(window_of(sessions["end"]), 2),
            "name": np.concatenate([2 * sessions["attack"].astype(int), 2 * sessions["attack"].astype(int) + 1]),
        }
    )
    ends = ends[ends["host"].isin(list(machines))]
    bad = ends[ends["name"] > 1]
    keys = ["window", "host"]
    table = ends.groupby(keys).size().rename("total_flows").reset_index()
    hit = bad.groupby(keys)["name"].agg(malicious_flows="size", attack=lambda codes: join_names(_names(codes)))
    table = table.merge(hit.reset_index(), how="left", on=keys)
    table = table.fillna({"malicious_flows": 0, "attack": ""}).astype({"malicious_flows": int})
    table["host_ip"] = table["host"].map(machines)
    return table.sort_values(["window", "host_ip"], ignore_index=True).drop(columns="host")


def join_names(names: Iterable[str]) -> str:
    """The sorted names joined by `+`; an attack's name replaces its `:target`."""
    known = set(names)
    return "+".join(sorted(n for n in known if not (n.endswith(TARGET) and n.removesuffix(TARGET) in known)))


def _names(codes: pd.Series[int]) -> set[str]:
    return {ATTACKS[int(code) // 2 - 1] + (TARGET if code % 2 else "") for code in codes}
