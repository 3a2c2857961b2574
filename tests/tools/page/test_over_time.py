"""What the page says of hosts, machines and models over days and months."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import timedelta
from pathlib import Path

import numpy as np

from common.detection.registry.formats import FORMAT_VERSION, encoded, sha256
from common.detection.registry.pointer import MANIFEST, SUCCESS, model_store
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, iso
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tools.page.days import PEERS_SHOWN, days
from tools.page.machines import named_before
from tools.page.models import trained
from tools.page.series import IDLE, SCALE, activity, longer

LAST = Windows.parse("2026-03-10T13:08Z")
BEFORE = Windows(LAST.start - timedelta(days=1), LAST.end - timedelta(days=1))
HOST = "10.1.1.1"


def test_scores_reach_back_to_the_first_window_that_is_scored(tmp_path: Path) -> None:
    lake = write_alerts(tmp_path, [(0, 3, PAIR)])
    asked = Windows(WHOLE[2].start, WHOLE[3].end)
    found = longer(lake, [host(3)], asked, WHOLE[0].start)
    assert found and (found["start"], found["windows"], found["hosts"]) == (iso(WHOLE[0].start), 4, [host(3)])
    codes = np.frombuffer(b64decode(found["scores"]), np.uint8)
    quiet = round(-np.log10(0.5) * SCALE)
    assert codes.tolist() == [round(4 * SCALE), quiet, quiet, quiet]
    assert longer(lake, [host(3)], Windows(WHOLE[0].start, WHOLE[3].end), WHOLE[0].start) is None
    assert longer(lake, [], asked, WHOLE[0].start) is None
    gone = longer(lake, [host(3)], asked, WHOLE[0].start - 31 * timedelta(days=1))
    assert gone and gone["windows"] == 30 * 96  # and no more
    assert np.frombuffer(b64decode(gone["scores"]), np.uint8)[0] == IDLE


def test_days_have_what_a_host_did_and_whom_it_met_first(tmp_path: Path) -> None:
    """Yesterday is rolled up, today is not; peers that were met last for the first time are first."""
    lake = Lake(str(tmp_path), SPEC)
    rolled, slices, hosts = (lake.table(name) for name in ("pair_days", "delta_pair", "delta_host"))
    mine = {"host_ip": HOST, "role": "outbound"}
    of_day = mine | {"source_digest": "d", "first_slice_ts": BEFORE.start, "last_slice_ts": BEFORE.start + WINDOW}
    rows = [table_row(rolled, BEFORE, peer_ip=f"203.0.113.{peer}", peer_port=443, sessions_cnt=2, **of_day,
                      domain="example.org" if peer == 1 else None) for peer in range(1, 4)]  # fmt: skip
    write_table(tmp_path, "pair_days", rows)
    met = mine | {"protocol": "tcp", "first_ts": LAST.start, "last_ts": LAST.start, "sessions_cnt": 1, "domain": None}
    pairs = [("203.0.113.1", 443), ("203.0.113.1", 22), ("203.0.113.9", 80)]
    write_table(
        tmp_path, "delta_pair", [table_row(slices, LAST, peer_ip=ip, peer_port=port, **met) for ip, port in pairs]
    )
    sums = [(BEFORE, "outbound", 10, 1, 0), (LAST, "outbound", 20, 2, 1), (LAST, "inbound", 999, 9, 9)]
    write_table(tmp_path, "delta_host", [
        table_row(hosts, window, host_ip=HOST, role=role, bytes_src_sum=sent, deny_cnt=denied, zero_reply_cnt=silent)
        for window, role, sent, denied, silent in sums
    ])  # fmt: skip
    found = days(lake, [HOST, "10.1.1.2"], LAST.days()[-1])
    assert found[HOST]["days"] == [
        {
            "date": "2026-03-09",
            "sessions": 6,
            "peers": 3,
            "new": 3,
            "ports": 1,
            "sent": 10,
            "denied": 1,
            "unanswered": 0,
        },
        {
            "date": "2026-03-10",
            "sessions": 3,
            "peers": 2,
            "new": 1,
            "ports": 3,
            "sent": 20,
            "denied": 2,
            "unanswered": 1,
        },
    ]
    first = {"peer": "203.0.113.1", "first": "2026-03-09", "last": "2026-03-10", "sessions": 4, "domain": "example.org"}
    assert [peer["peer"] for peer in found[HOST]["peers"]] == [f"203.0.113.{peer}" for peer in (9, 1, 2, 3)]
    assert found[HOST]["peers"][1] == first
    assert (found[HOST]["peers_cnt"], found["10.1.1.2"]) == (4, {"days": [], "peers": [], "peers_cnt": 0})
    assert PEERS_SHOWN > 4


def test_who_had_an_address_before_is_known_from_snapshots(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    assert named_before(lake, [HOST]) == {}
    inventory = lake.table("machine_inventory")
    names = [("2025-12", "pc-7"), ("2026-01", "pc-7"), ("2026-03", "pc-9"), ("2026-02", "pc-8")]
    rows = [
        table_row(inventory, LAST, host_ip=HOST, machine_name=name, snapshot_month=month, is_active=True)
        for month, name in names
    ]
    rows += [
        table_row(inventory, LAST, host_ip="10.1.1.2", machine_name="m", snapshot_month=month, is_active=True)
        for month, _ in names
    ]
    write_table(tmp_path, "machine_inventory", rows)
    assert named_before(lake, [HOST, "10.1.1.2"]) == {
        HOST: [
            {"name": "pc-7", "first": "2025-12", "last": "2026-01"},
            {"name": "pc-8", "first": "2026-02", "last": "2026-02"},
            {"name": "pc-9", "first": "2026-03", "last": "2026-03"},
        ]
    }
    assert named_before(lake, []) == {}


def test_what_models_were_trained_on_is_told_as_long_as_they_are_kept(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    store = model_store(lake.uri, "acme")
    manifest = encoded({"format_version": FORMAT_VERSION, "training_window": "a/b", "rows": 7})
    validation = {"average_precision": 0.25, "alert_share": 0.01}
    report = json.dumps({"features_used": 5, "validation": validation}).encode()
    files = {MANIFEST: manifest, "report.json": report, SUCCESS: f"{sha256(manifest)}\n".encode()}
    for name, content in files.items():
        store.write(f"run-1/{name}", content)
    kept, gone = trained(lake, "acme", {"run-2", "run-1"})
    assert kept == {"run_id": "run-1", "training_window": "a/b", "rows": 7, "features_used": 5} | validation
    assert gone == dict.fromkeys(kept) | {"run_id": "run-2"}


def test_what_is_usual_in_a_day_is_that_of_the_last_window_that_was_compared(tmp_path: Path) -> None:
    """The host has a baseline of its own sessions, its segment one of its ports, and nobody one of its bytes."""
    lake = Lake(str(tmp_path), SPEC)
    features, deviations = lake.table("fg_a"), lake.table("fg_c")
    month = {"baseline_month": "2026-02", "baseline_horizon": "7d", "feature_spec_version": SPEC.version}
    mine = {"host_ip": HOST, "segment_id": "lan"}
    windows = Windows(LAST.start, LAST.end + WINDOW)
    bands = dict(zip(windows, ("day", "night"), strict=True))
    write_table(tmp_path, "fg_a", [table_row(features, window, **mine) for window in windows])
    compared = [
        table_row(deviations, window, time_band=band, baseline_source="host", **mine, **month)
        for window, band in bands.items()
    ]
    write_table(tmp_path, "fg_c", compared)
    published = month | {"publication_id": "p"}
    write_table(tmp_path, "fg_b/publications", [table_row(lake.table("fg_b/publications"), LAST, **published)])
    of_day = published | mine | {"role": "outbound", "window_label": "w_24h"}
    for name, metric, low in (("fg_b/host", "sessions_cnt", 10.0), ("fg_b/segment", "peer_port_nunique", 3.0)):
        rows = []
        for band, more in (("day", 0.0), ("night", 100.0)):
            usual = {"median": low + 1 + more, "p25": low + more, "p75": low + 5 + more, "cold_start_flag": False}
            given = {f"{metric}_{part}": value for part, value in usual.items()} | of_day | {"time_band": band}
            rows.append({column: given.get(column) for column in lake.table(name).column_names})
        write_table(tmp_path, name, rows)
    _, found = activity(lake, SPEC, "7d", [HOST], windows)
    nothing = dict.fromkeys(("sent", "denied", "unanswered", "peers"), (None, None))
    assert found == {HOST: nothing | {"sessions": (110.0, 115.0), "ports": (103.0, 108.0)}}
