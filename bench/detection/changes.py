"""Harmless changes of the last day: what a detector must not take for attacks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.detection.flows import Scene, sessions

HARMLESS = ""


def rollout(scene: Scene) -> pd.DataFrame:
    """New software on two thirds of the users: a download from a new service, then a check-in every ten minutes."""
    service = scene.strangers(3)
    parts = []
    users = sorted(name for name in scene.hosts if name.startswith("users"))
    for name in scene.rng.choice(users, 2 * len(users) // 3, replace=False):
        begin = scene.at("08:00") + scene.rng.exponential(5_400)
        address = scene.hosts[str(name)]
        load = begin + np.sort(scene.rng.uniform(0, 200, 8))
        parts.append(sessions(scene, HARMLESS, load, address, service[0], 443, received=2.5e7, seconds=20))
        checks = scene.ticks(begin + 300, 6 * 3600, 600, 0.1)
        parts.append(sessions(scene, HARMLESS, checks, address, service[int(scene.rng.integers(1, 3))], 8443))
    return pd.concat(parts, ignore_index=True)


def backup(scene: Scene) -> pd.DataFrame:
    """A new nightly job: a server fetches gigabytes from a third of the users and all servers over one port."""
    users = sorted(name for name in scene.hosts if name.startswith("users"))
    picked = [scene.hosts[str(name)] for name in scene.rng.choice(users, len(users) // 3, replace=False)]
    parts = []
    for address in [*picked, *scene.servers[1:]]:
        ends = scene.at("01:30") + np.sort(scene.rng.uniform(0, 3 * 3600, 12))
        parts.append(
            sessions(scene, HARMLESS, ends, address, scene.servers[0], 10_080, sent=1.5e8, received=2e6, seconds=90)
        )
    return pd.concat(parts, ignore_index=True)


def scanner(scene: Scene) -> pd.DataFrame:
    """A new vulnerability scanner: a server tries 60 ports of every host by night; a few answer."""
    parts = []
    targets = sorted(scene.hosts.values())
    for number, address in enumerate(targets):
        begin = scene.at("01:00") + number * 3 * 3600 / len(targets)
        ports = scene.rng.permutation(np.arange(1, 1_024))[:60]
        ends = begin + np.sort(scene.rng.uniform(0, 600, len(ports)))
        answered = scene.rng.random(len(ports)) < 0.05
        parts.append(sessions(scene, HARMLESS, ends, scene.servers[1], address, ports, answered=answered))
    return pd.concat(parts, ignore_index=True)
