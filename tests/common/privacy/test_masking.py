"""Rows with pseudonyms for names: nothing else of them changes."""

from __future__ import annotations

import pyarrow as pa
import pytest

from common.privacy.masking import NO_MASK, Mask
from common.privacy.places import ERASED
from common.privacy.pseudonyms import Pseudonyms
from tests.factories import session, sessions

MADE = Pseudonyms({1: bytes(range(64))}, 1)
MASK = Mask(MADE, ("vdi-", "NPH-"))


def test_users_become_pseudonyms_and_all_else_stays() -> None:
    rows = sessions(*(session(src_user=user, app="alice") for user in (r"acme\alice", None, "alice@acme", r"acme\bob")))
    masked = MASK.rows("sessions", rows)
    users = masked["src_user"].to_pylist()
    assert users == [MADE.of("user", "alice@acme"), None, users[0], MADE.of("user", "bob@acme")]
    assert masked.drop_columns("src_user") == rows.drop_columns("src_user") and masked.schema == rows.schema
    (batch,) = rows.to_batches()
    assert MASK.rows("sessions", batch).to_pylist() == masked.to_pylist()
    assert MASK.rows("sessions", masked) == masked and NO_MASK.rows("sessions", rows) is rows


@pytest.mark.parametrize(("name", "prefix"), [("VDI-7", "vdi-"), ("nph-a", "nph-"), ("desk-vdi-1", "")])
def test_a_machine_keeps_the_prefix_that_baselines_go_by(name: str, prefix: str) -> None:
    masked = MASK.text("host", name)
    assert masked == prefix + MADE.of("host", name) and MADE.name_of(masked) == name.lower()
    assert MASK.text("host", masked) == masked


def test_nothing_to_mask() -> None:
    empty = sessions()
    assert MASK.rows("sessions", empty) is empty
    erased = pa.table({"host_ip": ["10.1.1.1"], "machine_name": [ERASED]})
    assert MASK.rows("machine_inventory", erased) == erased
