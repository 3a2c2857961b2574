"""What logs say of the traffic of pairs: its application, the registered domain of its URLs, and threats in it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from common.coded import encoded
from common.domains import registered_domains
from common.most_said import WORD
from common.threats import SEVERITIES

APP, DOMAIN = "app", "domain"
READ = (APP, "subtype", "url", "severity")
NO_APPS = pa.array(["incomplete", "insufficient-data", "not-applicable"])
"""What a firewall writes where it could not tell the application."""

NO_THREATS = ("url", "file", "data")
"""Subtypes of THREAT logs that firewalls keep apart from threats: what is met and what passes, bad or not."""
_SEVERITY = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(SEVERITIES, start=1))
SEVERITY = (
    f"CASE WHEN event_type = 'THREAT' AND coalesce(subtype, '') NOT IN {NO_THREATS} "
    f"THEN CASE severity {_SEVERITY} ELSE 0 END ELSE 0 END"
)
"""The severity of a threat, from 1 on; 0 of other records."""


def word_columns(sessions: pa.Table) -> dict[str, pa.DictionaryArray]:
    """The application and the registered domain of each record, null where its log does not say.

    URLs are those of records of that subtype, and of others what has a path: the name of a file has none.
    """
    apps, urls = encoded(sessions[APP]), sessions["url"]
    none = pc.is_in(apps.indices, pc.indices_nonzero(pc.is_in(apps.dictionary, NO_APPS)).cast(pa.int32()))
    found = {APP: pa.DictionaryArray.from_arrays(pc.if_else(none, None, apps.indices), apps.dictionary)}
    if urls.null_count == len(urls):
        return found | {DOMAIN: pa.nulls(len(urls), WORD)}
    is_url = pc.or_(pc.equal(sessions["subtype"].cast(pa.string()), "url"), pc.match_substring(urls, "/"))
    domains = registered_domains(pc.if_else(is_url, urls, None).combine_chunks())
    return found | {DOMAIN: domains.dictionary_encode()}
