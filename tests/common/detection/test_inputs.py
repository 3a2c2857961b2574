from common.contracts import tables
from common.detection.inputs import feature_family, fg_a_feature, model_features, rarity_groups
from tests.factories import SPEC


def test_input_is_the_canonical_features_and_the_composites() -> None:
    features = model_features(SPEC)
    deviations = len(SPEC.fg_c_features())
    assert features.fg_a == SPEC.fg_a_features()
    assert features.fg_c[:deviations] == SPEC.fg_c_features()
    assert features.fg_c[deviations:] == (
        "anomaly_strength_core", "beacon_suspicion_score", "exfiltration_suspicion_score", "scan_suspicion_score",
        "lateral_movement_suspicion_score", "pair_rarity_max", "pair_rarity_mean", "new_pair_share",
    )  # fmt: skip
    assert len(set(features.names)) == len(features.names)


def test_every_input_is_a_number_of_its_table() -> None:
    for name, columns in (("fg_a", model_features(SPEC).fg_a), ("fg_c", model_features(SPEC).fg_c)):
        types = {column.name: column.type for column in tables(SPEC)[name].columns}
        assert {types[column] for column in columns} <= {"double", "int"}


def test_rarity_groups_name_inputs_once() -> None:
    named = [name for members in rarity_groups(SPEC).values() for name in members]
    assert len(set(named)) == len(named)
    assert set(named) <= set(model_features(SPEC).names)
    assert not any("has_high_risk" in name for name in named)  # flags repeat their counts
    assert not any(label in name for name in named for label in ("w_30m", "w_1h", "w_8h", "w_24h"))


def test_a_deviation_is_of_its_fg_a_feature() -> None:
    assert fg_a_feature("in_deny_ratio_w_1h_z_mad") == "in_deny_ratio_w_1h"
    assert fg_a_feature("deny_ratio_w_1h_log_ratio") == "deny_ratio_w_1h"
    assert fg_a_feature("deny_ratio_w_1h_ratio") == "deny_ratio_w_1h"
    assert fg_a_feature("scan_suspicion_score") == "scan_suspicion_score"


def test_every_feature_has_its_family() -> None:
    assert feature_family("in_deny_ratio_w_24h_ratio", SPEC) == "in_deny_ratio"
    assert feature_family("new_peer_cnt_lookback30d_w_15m", SPEC) == "new_peer_cnt_lookback30d"
    assert feature_family("hour_of_day", SPEC) == "hour_of_day"
    metrics = {f"{prefix}{metric}" for prefix in SPEC.roles.values() for metric in SPEC.metric_names}
    others = {*SPEC.context, *SPEC.score_names}
    assert {feature_family(name, SPEC) for name in model_features(SPEC).names} == metrics | others
