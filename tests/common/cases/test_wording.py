import pytest

from common.cases.wording import pair_words
from common.detection.explanation import Reason


@pytest.mark.parametrize(
    ("feature", "value", "most", "words"),
    [
        ("pair_peer_rarity", 6.0, 0.0, "a peer that is new to the host, seen by few other hosts (6 bit)"),
        ("pair_failed_24h", 412.0, 8.1, "412 failed sessions with one peer in 24 h, previously at most 8.1"),
        ("pair_net_sent_24h", 31.4e6, 3.8e6,
         "31.4 MB net upload to one peer in 24 h, previously at most 3.8 MB"),
        ("pair_regular_24h", 0.844, 0.36,
         "sessions with one peer at regular intervals in 24 h: 84.4 % regular, previously at most 36 %"),
        ("pair_regular_new_24h", 0.95, 0.0,
         "sessions at regular intervals with a peer first seen in the last 24 h: 95 % regular, previously at most 0 %"),
        ("w_15m_peer_ip_nunique", 6.0, 1.0, None),
    ],
)  # fmt: skip
def test_reasons_about_pairs_in_words(feature: str, value: float, most: float, words: str | None) -> None:
    assert pair_words(Reason(feature, value, most, 1.0, "outbound")) == words
