import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import replace_record
from common.lake.window_status import FEATURES
from tests.common.detection.model_lake import rows
from tests.factories import SPEC
from tests.jobs.if_training.conftest import Lifecycle, MakeLifecycle
from tests.jobs.if_training.lakes import HOSTS, add_slices, add_windows, span
from tests.lakes import note_whole

KEYS = [window.key for window in span(6)]


@pytest.fixture
def whole(lifecycle: MakeLifecycle) -> Lifecycle:
    """Six windows, all with features."""
    made = lifecycle(span(6))
    add_windows(made.lake, span(6))
    return made


def partial(lifecycle: MakeLifecycle, *missing: int) -> Lifecycle:
    """Six windows, those with the numbers without features."""
    made = lifecycle(span(6))
    add_windows(made.lake, [window for number, window in enumerate(span(6)) if number not in missing])
    return made


def test_a_whole_range_is_complete(whole: Lifecycle) -> None:
    report = whole.run("verify")
    artifact = whole.artifact("verify")
    assert (artifact["go"], artifact["status"], artifact["missing"]) == (True, "complete", {})
    assert artifact["hosts"] == dict.fromkeys(KEYS, HOSTS)
    assert artifact["rows"] == {"fg_a": 6 * HOSTS, "fg_c": 6 * HOSTS, "joined": 6 * HOSTS}
    assert artifact["request"] == {
        "project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d", "training_window": str(span(6))
    }  # fmt: skip
    assert report["details"]["verify"]["coverage"] == 1.0


def test_verification_is_the_same_every_time(whole: Lifecycle) -> None:
    whole.run("verify")
    before = whole.path("verify.json").read_bytes()
    whole.run("verify")
    assert whole.path("verify.json").read_bytes() == before


@pytest.mark.slow
def test_missing_windows_are_no_failure_and_are_listed_with_the_reason(lifecycle: MakeLifecycle) -> None:
    made = partial(lifecycle, 1, 2, 3)
    windows = list(span(6))
    add_windows(made.lake, [windows[2]], tables_of="a")  # features, but no deviations
    made.run("verify")
    artifact = made.artifact("verify")
    assert (artifact["go"], artifact["status"]) == (True, "incomplete")
    assert artifact["missing"] == {
        KEYS[1]: "no rows in fg_a", KEYS[2]: "no rows in fg_c", KEYS[3]: "no rows in fg_a"
    }  # fmt: skip
    assert artifact["coverage"] == 0.5
    assert artifact["hosts"][KEYS[1]] == 0


@pytest.mark.slow
def test_a_window_with_hosts_of_only_one_group_is_missing(lifecycle: MakeLifecycle) -> None:
    made = partial(lifecycle, 4)
    window = list(span(6))[4]
    add_windows(made.lake, [window], tables_of="a")
    write_deltalake(made.lake / "fg_c", rows("fg_c", window, 1, HOSTS - 1), mode="append", partition_by=["date"])
    made.run("verify")
    assert made.artifact("verify")["missing"] == {KEYS[4]: "rows of fg_a without one in fg_c"}


def test_windows_without_slices_are_told_apart(lifecycle: MakeLifecycle) -> None:
    made = partial(lifecycle, 1, 2)
    windows = list(span(6))
    add_slices(made.lake, [windows[0], windows[1]])
    made.run("verify")
    assert made.artifact("verify")["without_slices"] == [KEYS[2]]


@pytest.mark.slow
def test_other_windows_and_horizons_do_not_count(whole: Lifecycle) -> None:
    outside = span(8)
    add_windows(whole.lake, list(outside)[6:])
    whole.run("verify")
    assert len(whole.artifact("verify")["hosts"]) == 6
    whole.parameters(model_horizon="30d")
    replace_record(str(whole.lake), LakeIdentity(parameters={"settings": {"model_horizon": "30d"}}))
    whole.run_id = "run-2"
    whole.run("verify")
    assert set(whole.artifact("verify")["missing"].values()) == {"no rows in fg_c"}


def test_windows_whose_tables_are_of_different_age_are_missing(whole: Lifecycle) -> None:
    note_whole(whole.lake, list(span(6))[2], ["fg_a"])
    whole.run("verify")
    assert whole.artifact("verify")["missing"] == {KEYS[2]: "fg_c is older than fg_a and pair_counts"}


@pytest.mark.slow
def test_windows_with_damaged_logs_are_listed(whole: Lifecycle) -> None:
    window = list(span(6))[2]
    with Lake(str(whole.lake), SPEC).journal.run("delta", window, "hq.csv.gz is damaged"):
        pass
    note_whole(whole.lake, window, FEATURES[1:])
    whole.run("verify")
    artifact = whole.artifact("verify")
    assert (artifact["missing"], artifact["incomplete"]) == ({}, {KEYS[2]: "hq.csv.gz is damaged"})


def test_repeated_hosts_are_a_failure(whole: Lifecycle) -> None:
    add_windows(whole.lake, [list(span(6))[2]], tables_of="a")
    line = whole.fail("verify")
    assert f"fg_a {KEYS[2]} in {whole.lake} has {HOSTS} duplicate rows" in line
    artifact = whole.artifact("verify")
    assert (artifact["go"], artifact["status"]) == (False, "failed")
    assert artifact["duplicates"] == {f"fg_a {KEYS[2]}": HOSTS}


def test_windows_are_missing_while_no_stage_has_made_the_tables(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(2))
    made.run("verify")
    assert made.artifact("verify")["missing"] == dict.fromkeys(KEYS[:2], "no rows in fg_a")
    add_windows(made.lake, span(2), tables_of="a")
    made.run("verify")
    artifact = made.artifact("verify")
    assert (artifact["missing"], artifact["go"]) == (dict.fromkeys(KEYS[:2], "no rows in fg_c"), True)


def test_a_young_project_learns_until_it_has_the_rows_of_a_model(whole: Lifecycle) -> None:
    whole.parameters(training={"min_rows": 6 * HOSTS + 1})
    whole.until("reverify")
    artifact = whole.artifact("reverify")
    assert (artifact["go"], artifact["status"]) == (False, "learning")
    reason = f"day 1 of 9: {span(6)} has {6 * HOSTS} rows to train on, and a model needs {6 * HOSTS + 1}"
    assert artifact["reason"] == reason
    for stage in ("train", "publish", "attributes", "deploy"):
        assert whole.run(stage)["details"]["learning"] == {"model": reason}
    assert whole.current() is None
    whole.parameters(training={"min_rows": 6 * HOSTS})
    whole.run("reverify")
    assert whole.artifact("reverify")["go"] is True


def test_a_range_before_the_first_logs_is_no_failure_and_the_model_so_far_stays(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(2))
    later = list(span(6))[4:]
    add_slices(made.lake, later)
    add_windows(made.lake, later)
    settings = {"horizons": {"7d": {"days": 1, "gap_days": 0}}}  # is not young any more
    made.parameters(training={"min_rows": 20}, **settings)
    replace_record(str(made.lake), LakeIdentity(parameters={"settings": settings}))
    made.run("verify")
    gaps = {"go": True, "status": "complete with gaps", "rounds": [], "gaps": KEYS[:2], "failures": []}
    made.path("remediation.json").write_text(json.dumps(made.artifact("verify") | gaps))
    made.run("reverify")
    reason = f"{span(2)} is before the first logs: the model so far stays"
    artifact = made.artifact("reverify")
    assert (artifact["go"], artifact["status"], artifact["reason"]) == (False, "learning", reason)
    assert made.run("train")["details"]["learning"] == {"model": reason}


def test_windows_before_the_first_logs_do_not_count_as_gaps(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(6))
    windows = list(span(6))
    add_slices(made.lake, windows[3:])
    add_windows(made.lake, [windows[3], windows[5]])
    made.run("verify")
    artifact = made.artifact("verify")
    assert artifact["before_logs"] == KEYS[:3] == artifact["without_slices"]
    assert artifact["coverage"] == round(2 / 3, 6)


def test_a_missing_column_is_a_failure(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(2))
    add_windows(made.lake, span(2), tables_of="c")
    table = pa.concat_tables(rows("fg_a", window, 1, HOSTS) for window in span(2)).drop_columns(["deny_cnt_w_1h"])
    write_deltalake(made.lake / "fg_a", table, partition_by=["date"])
    assert f"table fg_a in {made.lake}: lacks the columns deny_cnt_w_1h" in made.fail("verify")


def test_a_column_of_another_type_is_a_failure(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(2))
    add_windows(made.lake, span(2), tables_of="a")
    table = pa.concat_tables(rows("fg_c", window, 1, HOSTS) for window in span(2))
    place = table.schema.get_field_index("pair_rarity_max")
    table = table.set_column(place, "pair_rarity_max", table["pair_rarity_max"].cast(pa.string()))
    write_deltalake(made.lake / "fg_c", table, partition_by=["date"])
    assert "pair_rarity_max is string, not double" in made.fail("verify")


@pytest.mark.slow
def test_reverification_of_a_whole_range_says_go(whole: Lifecycle) -> None:
    whole.until("reverify")
    artifact = whole.artifact("reverify")
    assert (artifact["go"], artifact["status"], artifact["gaps"]) == (True, "complete", [])


@pytest.mark.slow
def test_reverification_fails_closed_when_a_window_vanishes(whole: Lifecycle) -> None:
    whole.until("remediate")
    DeltaTable(whole.lake / "fg_c").delete(f"window = '{KEYS[3]}'")
    line = whole.fail("reverify")
    assert f"1 of 6 windows of {span(6)} are still missing (no rows in fg_c): {KEYS[3]}" in line
    artifact = whole.artifact("reverify")
    assert (artifact["go"], artifact["status"]) == (False, "failed")
    assert "still missing" in artifact["reason"]
    line = whole.fail("train")
    assert "stage train of run run-1 cannot start" in line and "still missing" in line and "--stage reverify" in line


@pytest.mark.slow
def test_reverification_names_the_first_windows_only(lifecycle: MakeLifecycle) -> None:
    made = lifecycle(span(20))
    add_windows(made.lake, span(20))
    made.until("remediate")
    DeltaTable(made.lake / "fg_a").delete(f"window >= '{KEYS[1]}'")
    line = made.fail("reverify")
    assert f"19 of 20 windows of {span(20)}" in line
    assert f"{', '.join(KEYS[1:6])} and 14 more" in line


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["remediate", "reverify", "train", "publish", "attributes", "deploy"])
def test_a_stage_needs_the_one_before_it(whole: Lifecycle, stage: str) -> None:
    line = whole.fail(stage)
    assert f"stage {stage} of run run-1 needs" in line and "Run --stage" in line


@pytest.mark.slow
def test_a_run_is_of_one_range(whole: Lifecycle) -> None:
    whole.run("verify")
    whole.windows = span(5)
    line = whole.fail("remediate")
    assert "run run-1 was started for" in line and str(span(6)) in line and "Give another --run-id" in line


@pytest.mark.slow
def test_a_damaged_artifact_is_refused(whole: Lifecycle) -> None:
    whole.run("verify")
    whole.path("verify.json").write_text('{"go": tr')
    assert "verify.json is damaged. Run --stage verify again" in whole.fail("remediate")
