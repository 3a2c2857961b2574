"""FG-C of one window in DuckDB SQL, from the tables `fg_a` and `pair_counts` and the baselines of a lake."""

from __future__ import annotations

from collections.abc import Iterator

from bench.reference_slices import bounds
from common.features.scales import IQR_TO_SIGMA, MAD_TO_SIGMA
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.lake.publications import Publication, publications
from common.windows import Windows

STATISTICS = ("median", "mad", "iqr")
SLICE = "host_ip, role, window_label"


def fg_c_steps(spec: FeatureSpec, lake: Lake, window: Windows) -> Iterator[tuple[str, str]]:
    """Name and query of each step; the last one is `fg_c`, with every horizon of the baselines."""
    yield "facts", f"CREATE TEMP TABLE facts AS {' UNION ALL '.join(_facts(spec))}"
    wide = []
    for number, publication in enumerate(publications(lake, spec.version).values()):
        yield f"chosen{number}", f"CREATE TEMP TABLE chosen{number} AS {_chosen(spec, lake, publication)}"
        yield f"scaled{number}", f"CREATE TEMP TABLE scaled{number} AS {_scaled(spec, number)}"
        wide.append(_wide(spec, lake, window, publication, number))
    yield "fg_c", " UNION ALL ".join(wide)


def _facts(spec: FeatureSpec) -> Iterator[str]:
    """One row per host, role and look-back, with a column per metric that has deviations."""
    for label in spec.window_labels:
        for role in spec.roles:
            values = ", ".join(f"{spec.fg_a_name(role, m.name, label)} AS {m.name}" for m in spec.deviation_metrics)
            yield f"SELECT host_ip, '{role}' AS role, '{label}' AS window_label, {values} FROM fg_a"


def _published(lake: Lake, table: str, publication: Publication) -> str:
    return (
        f"SELECT * FROM read_parquet('{lake.location(table)}/*=*/**/*.parquet', hive_partitioning = true, "
        f"hive_types_autocast = false) WHERE publication_id = '{publication.publication_id}'"
    )


def _chosen(spec: FeatureSpec, lake: Lake, publication: Publication) -> str:
    """The statistics of each fact: those of the host unless it is cold, else of its segment unless that is."""
    columns = ", ".join(f"b.{m.name}_{name}" for m in spec.deviation_metrics for name in STATISTICS)
    parts = []
    for table, subject in (("host", "time_band, segment_id, host_ip"), ("segment", "time_band, segment_id")):
        parts.append(
            f"SELECT f.host_ip, b.role, b.window_label, '{table}' AS source, {columns} FROM fg_a f "
            f"JOIN ({_published(lake, f'fg_b/{table}', publication)}) b USING ({subject}) "
            "WHERE NOT b.sessions_cnt_cold_start_flag"
        )
    return f"WITH own AS ({parts[0]}) FROM own UNION ALL (FROM ({parts[1]}) ANTI JOIN own USING ({SLICE}))"


def _scaled(spec: FeatureSpec, number: int) -> str:
    """One row per fact, with the deviations of each metric."""
    columns = []
    for metric in spec.deviation_metrics:
        floor, median = spec.floors[metric.kind], f"{metric.name}_median"
        least = f"greatest({floor.constant}, {floor.median_share} * {median})"
        spread = f"{MAD_TO_SIGMA} * {metric.name}_mad, {IQR_TO_SIGMA} * {metric.name}_iqr"
        z = f"({metric.name} - {median}) / greatest({spread}, {least})"
        divisor = f"greatest({median}, {least})"
        values = (
            f"least(greatest({z}, -{spec.z_clip}), {spec.z_clip})",
            f"{metric.name} / {divisor}",
            f"ln(greatest({metric.name}, {least}) / {divisor})",
        )
        there = f"{metric.name} IS NOT NULL AND {median} IS NOT NULL"
        columns += [
            f"CASE WHEN {there} THEN {value} END AS {metric.name}_{name}"
            for name, value in zip(spec.transforms, values, strict=True)
        ]
    return f"SELECT {SLICE}, source, {', '.join(columns)} FROM facts LEFT JOIN chosen{number} USING ({SLICE})"


def _wide(spec: FeatureSpec, lake: Lake, window: Windows, publication: Publication, number: int) -> str:
    """One row per host: the deviations of all slices beside each other, composites and pair features."""
    slices = [(label, role) for label in spec.window_labels for role in spec.roles]
    listed = ", ".join(
        f"s{place}.{metric.name}_{name} AS {spec.fg_a_name(role, metric.name, label)}_{name}"
        for place, (label, role) in enumerate(slices)
        for metric in spec.deviation_metrics
        for name in spec.transforms
    )
    joins = " ".join(
        f"JOIN (FROM scaled{number} WHERE role = '{role}' AND window_label = '{label}') s{place} USING (host_ip)"
        for place, (label, role) in enumerate(slices)
    )
    pairs = f"({_pairs(lake, publication)})"
    return f"""
    SELECT host_ip, f.segment_id, f.time_band, '{publication.horizon}' AS baseline_horizon,
        '{publication.month}' AS baseline_month, c.* EXCLUDE (host_ip), p.* EXCLUDE (host_ip), {listed},
        {bounds(window)}
    FROM fg_a f {joins} JOIN ({_composites(spec, number)}) c USING (host_ip) LEFT JOIN {pairs} p USING (host_ip)
    """


def _composites(spec: FeatureSpec, number: int) -> str:
    """The source of each host's statistics, its strength and its composite scores."""
    core = ", ".join(f"abs({metric}_z_mad)" for metric in spec.core_metrics)
    parts, scores = [], []
    for place, (name, composite) in enumerate(spec.composites.items()):
        named = [(role, f"{metric}_z_mad") for role, chosen in composite.metrics.items() for metric in chosen]
        above = " + ".join(f"if(role = '{role}', coalesce(greatest({z}, 0), 0), 0)" for role, z in named)
        known = " + ".join(f"(role = '{role}' AND {z} IS NOT NULL)::INTEGER" for role, z in named)
        parts.append(f"sum({above}) / nullif(sum({known}), 0) AS score{place}")
        scores.append(f"max(score{place}) AS {name}")
    return f"""
    SELECT host_ip, CASE WHEN bool_or(borrowed) THEN 'segment' WHEN bool_or(owned) THEN 'host' ELSE 'none' END
        AS baseline_source, max(strength) AS {spec.strength.name}, {", ".join(scores)}
    FROM (
        SELECT host_ip, window_label, coalesce(bool_or(source = 'segment'), false) AS borrowed,
            coalesce(bool_or(source = 'host'), false) AS owned, max(greatest({core})) AS strength, {", ".join(parts)}
        FROM scaled{number} GROUP BY host_ip, window_label
    ) GROUP BY host_ip
    """


def _pairs(lake: Lake, publication: Publication) -> str:
    """The rarity of each source's pairs; a pair that the baseline does not know has rarity 1 and is new."""
    return f"""
    SELECT src_ip AS host_ip, max(coalesce(pair_rarity_score, 1)) AS pair_rarity_max,
        avg(coalesce(pair_rarity_score, 1)) AS pair_rarity_mean,
        avg((pair_rarity_score IS NULL)::INTEGER) AS new_pair_share
    FROM pair_counts LEFT JOIN ({_published(lake, "fg_b/pair/host", publication)}) b USING (src_ip, dst_ip, dst_port)
    GROUP BY src_ip
    """
