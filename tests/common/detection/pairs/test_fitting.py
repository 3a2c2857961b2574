"""What a model of evidence compares rows with."""

from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from common.arrays import Floats, Integers
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.evidence import KINDS, NOVELTY, Evidence
from common.detection.pairs.fitting import fit
from common.detection.pairs.scoring import EvidenceModel, excess
from common.detection.parameters import current_parameters
from tests.common.detection.synthetic import PARAMETERS

KNOWN, NEW, UNHEARD = range(len(NOVELTY))
OUTBOUND, INBOUND = KINDS.index("outbound"), KINDS.index("inbound")
DAY = 96


def evidence(amount: Floats, novelty: Integers, rarity: Floats | None = None, kind: int = OUTBOUND) -> Evidence:
    """A row for each amount, of a host and a window of its own, in groups that none of the others is in."""
    rows = np.arange(len(amount))
    return Evidence(
        pa.table({}),
        np.full(len(amount), kind),
        Coded.of(rows),
        {"rarity": np.zeros(len(amount)) if rarity is None else rarity},
        {"amount": amount},
        rows < 0,
        Coded.of(rows % 50),
        rows % (3 * DAY),
        novelty,
        None,
        rows < 0,
    )


def training(kind: int = OUTBOUND) -> Evidence:
    """4,000 rows of little amounts in known services and 1,000 of large ones in networks that nobody knew."""
    rng = np.random.default_rng(3)
    amount = np.concatenate([rng.exponential(1.0, 4_000), 10 + rng.exponential(1.0, 1_000)])
    rarity = np.where(np.arange(5_000) < 4_000, 0.0, rng.integers(1, 7, 5_000)).astype(float)
    return evidence(amount, np.repeat([KNOWN, UNHEARD], [4_000, 1_000]), rarity, kind)


def piece(model: EvidenceModel, name: str, rows: Evidence) -> list[float]:
    """That piece of each row."""
    scored = model.score(rows)
    return list(scored.pieces[:, scored.names.index(name)])


def with_lasting(lasting: Floats) -> EvidenceModel:
    """The model of the rows of `training` where some contacts last, and are rare."""
    rows = training()
    rarities = {"rarity": np.where(lasting > 0, 6.0, rows.rarities["rarity"])}
    taught = replace(rows, rarities=rarities, amounts={**rows.amounts, "lasting_days": lasting})
    return fit([lambda: taught], PARAMETERS).model


def score_of_lasting(model: EvidenceModel, lasting: float) -> float:
    """The score of a row of host 0 whose contact has lasted for so long."""
    row = evidence(np.array([11.0]), np.array([KNOWN]))
    found = model.score(replace(row, amounts={**row.amounts, "lasting_days": np.array([lasting])}))
    return float(found.scores[0])


def test_all_else_is_as_rare_as_if_no_contact_lasted() -> None:
    few = np.where((np.arange(5_000) % 51 == 0) & (np.arange(5_000) < 4_000), 5.0, 0.0)  # one or two of each host
    without = score_of_lasting(with_lasting(np.zeros(5_000)), 0.0)
    assert score_of_lasting(with_lasting(few), 0.0) == pytest.approx(without, abs=0.1) and without > 1
    assert score_of_lasting(with_lasting(few), 6.0) > without + 0.3


@pytest.mark.parametrize(("groups", "evident"), [(2, True), (3, False)])
def test_what_lasts_is_no_evidence_of_a_host_with_many_such_contacts(groups: int, evident: bool) -> None:
    lasting = np.zeros(5_000)
    lasting[np.arange(groups) * 50] = 5.0  # of host 0, in a group each
    lasting[1] = 5.0
    model = with_lasting(lasting)
    assert model.loyal.tolist() == ([] if evident else [0])
    assert (score_of_lasting(model, 6.0) > score_of_lasting(model, 0.0) + 0.1) == evident
    # another host in the same rows is judged by itself
    two = evidence(np.array([11.0, 11.0]), np.array([KNOWN, KNOWN]))
    scored = model.score(replace(two, amounts={**two.amounts, "lasting_days": np.full(2, 6.0)}))
    assert (scored.pieces[:, scored.names.index("lasting_days")] > 0).tolist() == [evident, True]


def test_an_amount_is_compared_with_rows_as_new() -> None:
    model = fit([training], PARAMETERS).model
    known, unheard = piece(model, "amount", evidence(np.array([11.0, 11.0]), np.array([KNOWN, UNHEARD])))
    assert known > 3 and unheard < 1


@pytest.mark.parametrize("least", [1, 1_001])
def test_what_is_new_in_few_rows_of_training_is_compared_with_what_is_less_new(least: int) -> None:
    parameters = replace(PARAMETERS, pairs=replace(PARAMETERS.pairs, context_rows=least))
    model = fit([training], parameters).model
    known, new, unheard = piece(model, "amount", evidence(np.full(3, 11.0), np.array([KNOWN, NEW, UNHEARD])))
    assert new == known
    assert (unheard == known) == (least > 1_000)


def test_an_amount_beyond_training_counts_for_more_where_the_host_began_it() -> None:
    amounts = np.array([30.0, 40.0, 1e6])
    new = np.full(3, UNHEARD)
    of_kind = {kind: fit([partial(training, kind)], PARAMETERS).model for kind in (OUTBOUND, INBOUND)}
    began = piece(of_kind[OUTBOUND], "amount", evidence(amounts, new))
    was_asked = piece(of_kind[INBOUND], "amount", evidence(amounts, new, kind=INBOUND))
    assert was_asked[0] == was_asked[2] == pytest.approx(np.log10(1_001))
    assert began[2] == pytest.approx(was_asked[2] + current_parameters().pairs.log10_beyond)
    assert began[0] > was_asked[0]


@pytest.mark.parametrize(("name", "counted"), [("sessions_24h", [2]), ("slices_24h", [2]), ("sessions_15m", [0, 1, 2])])
def test_what_chance_does_to_a_count_of_a_day_is_no_excess(name: str, counted: list[int]) -> None:
    chance = PARAMETERS.pairs.chance_excess
    above = np.array([0.1, chance, chance + 0.1])
    rows = evidence(above, np.full(3, KNOWN))
    found = excess(rows, name, above, np.zeros(3), PARAMETERS.pairs)
    assert found.rows.tolist() == counted
    assert found.values.tolist() == above[counted].tolist()


def test_nothing_is_rarer_than_in_training() -> None:
    model = fit([training], PARAMETERS).model
    six, nine = piece(model, "rarity", evidence(np.zeros(2), np.full(2, UNHEARD), np.array([6.0, 9.0])))
    assert six == nine > 1
