"""Tables of models: what was decided about them, and how far their input has moved since training."""

from __future__ import annotations

from common.contracts.columns import PARTITIONS, WINDOW_BOUNDS
from common.contracts.types import Column, Table

PROJECT = Column("project_name", "string", "project")

MODEL_DECISIONS = Table(
    "model_decisions",
    "one row per decision about which model scores",
    (
        Column("decision_id", "string", "digest of the decision and of the state in which it was taken"),
        Column("decided_ts", "timestamp", "time of the decision", "UTC"),
        PROJECT,
        Column("run_id", "string", "run that was promoted, kept, refused or rolled back"),
        Column("action", "string", "promote, keep, refuse or rollback"),
        Column("decided_by", "string", "person, role or execution that decided"),
        Column("reason", "string", "why, in one sentence"),
        Column("from_run", "string", "run that was current before", null_when="it is the first"),
        Column("current_run", "string", "run that is current since", null_when="there is none"),
        Column("execution", "string", "ARN of the pipeline execution", null_when="a person ran a command"),
        Column("gates", "string", "JSON object: value, bound and verdict of each gate by its name"),
        Column("date", "string", "UTC date of the decision, YYYY-MM-DD"),
    ),
    ("date",),
    ("decision_id",),
)

MODEL_DRIFT = Table(
    "model_drift",
    "one row per scored window: how far its input has moved from what the model was trained on",
    (
        PROJECT,
        Column("model_id", "string", "run that trained the model"),
        Column("is_drifted", "boolean", "the score has moved, or more features than the bound"),
        Column("moved_most", "string", "JSON object: PSI of the features that moved most, by name"),
        Column("rows_cnt", "long", "rows of hours that training saw"),
        Column("unseen_rows_cnt", "long", "rows of hours that training never saw, which are left out"),
        Column("score_psi", "double", "PSI of the raw score of the features against training"),
        Column("score_psi_chance", "double", "PSI that chance gives for so few rows"),
        Column("score_psi_bound", "double", "PSI above which the score has moved"),
        Column("moved_features_cnt", "long", "features that have moved"),
        Column("features_cnt", "long", "features that are compared"),
        Column("moved_features_bound", "double", "number of moved features above which the window has drifted"),
        *WINDOW_BOUNDS,
        *PARTITIONS,
    ),
    ("date",),
    ("window",),
)
