import pytest

from common.detection.explanation import Reason
from tools.report.wording import pair_words


@pytest.mark.parametrize(
    ("feature", "value", "most", "words"),
    [
        ("pair_peer_rarity", 6.0, 0.0, "a peer that is new to the host, met by few others (6 bit)"),
        ("pair_failed_24h", 412.0, 8.1, "412 failed sessions with one peer in 24 h, at most 8.1 before"),
        ("pair_net_sent_24h", 31.4e6, 3.8e6,
         "31.4 MB more sent than returned with one peer in 24 h, at most 3.8 MB before"),
        ("pair_regular_24h", 0.844, 0.36,
         "regular sessions with one peer in 24 h: gaps 84.4 % even, at most 36 % before"),
        ("pair_regular_new_24h", 0.95, 0.0,
         "regular sessions with a peer met in these 24 h: gaps 95 % even, at most 0 % before"),
        ("w_15m_peer_ip_nunique", 6.0, 1.0, None),
    ],
)  # fmt: skip
def test_reasons_about_pairs_in_words(feature: str, value: float, most: float, words: str | None) -> None:
    assert pair_words(Reason(feature, value, most, 1.0, "outbound")) == words
