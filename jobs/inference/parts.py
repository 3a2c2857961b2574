"""The work on parts of the hosts: each part reads what its own hosts did.

What others did counts, too, but little of it: four passes over the parts leave small sums to the one after them.
`History` reads 30 days, and says when its hosts met what. With that of all hosts, `Novelties` says what is new, and how
high hosts are in crowds; with that, `Heights` says how high its hosts score, and with the levels of all, `Scores`
scores. The activity stays in a scratch folder in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from common.config.project import ProjectParameters
from common.detection.drift.monitor import DriftMonitor
from common.detection.input_matrix import rows_of
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.pairs.activity import Targets, own_activity, with_others
from common.detection.pairs.common_maxima import CommonMaxima, Crowds, Leaders, Presence
from common.detection.pairs.evidence import hosts_of, pair_evidence, pair_groups, spreads
from common.detection.pairs.explain import PEERS_SHOWN
from common.detection.pairs.first_seen import Met
from common.detection.pairs.host_scores import HostScores
from common.detection.pairs.network_levels import NetworkLevels
from common.detection.pairs.owners import OwnersFile
from common.detection.pairs.reading import PairReader
from common.detection.pairs.scoring import EvidenceModel
from common.detection.parameters import PairParameters
from common.detection.registry.artifacts import LoadedModel
from common.display import counted
from common.errors import InputError
from common.lake.host_ranges import Part
from common.lake.reader import LakeReader
from common.lake.table_files import as_rows
from common.lake.window_files import WindowFiles
from common.storage.kept_tables import KeptTables
from common.windows import Windows
from jobs.inference.drift import by_window
from jobs.inference.transform import WindowNotes, predict

TABLE = "predictions"


@dataclass(frozen=True)
class Scope:
    """What all parts work on: the lake, the windows, the folder in which they leave the activity of hosts, and who owns
    networks.
    """

    lake: LakeReader
    project: ProjectParameters
    windows: Windows
    folder: str
    owners: OwnersFile | None

    def keep(self, what: str, part: Part, rows: pa.Table) -> None:
        """Keeps rows of a part for the next pass.

        Raises:
            OSError: they cannot be written.
        """
        KeptTables(self.folder).keep(f"{what}-{part.number}", rows)

    def kept(self, what: str, part: Part) -> pa.Table:
        """The rows of a part that the pass before kept."""
        return KeptTables(self.folder).kept(f"{what}-{part.number}")


@dataclass(frozen=True)
class History:
    """The first pass: when the hosts of the part met what all pairs are with, and in which groups they are."""

    scope: Scope
    targets: Targets
    parameters: PairParameters

    def __call__(self, part: Part) -> tuple[Met, Presence]:
        """The sums of the part."""
        reader = PairReader(self.scope.lake, self.parameters, hosts=part.hosts, owners=self.scope.owners)
        cidrs = self.scope.project.internal_cidrs
        own = own_activity(reader, self.scope.windows, self.targets, cidrs, self.parameters)
        assert own.rows is not None  # hosts of a part are present in the windows
        self.scope.keep("own", part, own.rows)
        hosts, windows = hosts_of(own.rows), own.rows["window_number"].to_numpy()
        return own.met, Presence.of(pair_groups(own.rows), hosts, windows)


@dataclass(frozen=True)
class Novelties:
    """The second pass: what is new about the pairs; the highest hosts in crowds, and the counts of hosts."""

    scope: Scope
    met: Met
    crowds: Crowds
    parameters: PairParameters

    def __call__(self, part: Part) -> tuple[Mapping[str, Leaders], pa.Table]:
        """The leaders of the part, and its `spreads`."""
        activity = with_others(self.scope.kept("own", part), self.met, self.parameters)
        self.scope.keep("activity", part, activity)
        evidence, counts = pair_evidence(activity, self.parameters), spreads(activity)
        self.scope.keep("counts", part, counts)
        return self.crowds.leaders(evidence, self.parameters.leaders), counts


@dataclass(frozen=True)
class Heights:
    """The third pass: the scores of hosts by each kind of their pairs, whatever the whole network does."""

    scope: Scope
    model: EvidenceModel
    common: CommonMaxima

    def __call__(self, part: Part) -> HostScores:
        """The scores of the part, of whose activity the foremost rows are kept."""
        activity = self.scope.kept("activity", part)
        rows = self.model.score(pair_evidence(activity, self.model.parameters.pairs), self.common)
        self.scope.keep("foremost", part, activity.take(pa.array(rows.foremost(PEERS_SHOWN))))
        return HostScores.of_kinds(rows)


@dataclass(frozen=True)
class Scored:
    """Files of predictions, `as_rows`, and the drift of their rows by window."""

    files: pa.Table
    drift: Mapping[Windows, DriftMonitor]


@dataclass(frozen=True)
class Scores:
    """The fourth pass: files of predictions.

    `common` is what all hosts do by the names of the members, `levels` how high they score; without them, scores are by
    features alone.
    """

    scope: Scope
    model: LoadedModel
    common: Mapping[str, CommonMaxima]
    levels: Mapping[str, NetworkLevels]
    top_features: int
    notes: WindowNotes

    def __call__(self, part: Part) -> Scored:
        """The files of the part; none if no host of it has features.

        Raises:
            InputError: `fg_c` has no counterpart of a row of `fg_a`.
        """
        scope, lake = self.scope, self.scope.lake
        features, horizon = model_features(lake.spec), scope.project.model_horizon
        rows = rows_of(lake, scope.windows, features, horizon, part.hosts)
        if rows is None:
            return Scored(as_rows([]), {})
        if rows.unmatched:
            raise InputError(
                f"fg_c of horizon {horizon} has no counterpart of {counted(rows.unmatched, 'row')} of fg_a in "
                f"{scope.windows}",
                "Run ndr-fg-c again for these windows",
            )
        activity, counts = (scope.kept(what, part) if self.common else None for what in ("foremost", "counts"))
        samples = Samples(rows.keys, rows.values, activity, counts, self.common, self.levels)
        files = WindowFiles(lake.location(TABLE), lake.table(TABLE), scope.windows)
        files.add(predict(self.model, samples, files.table, self.top_features, self.notes))
        files.flush()
        raw = self.model.detector.feature_scores(rows.values)
        return Scored(as_rows(files.actions), by_window(rows, raw, self.model))
