"""Names that folders have, which engines and libraries read partly as URLs and partly as patterns."""

from __future__ import annotations

NAMES = (
    "two words", "café", "cafe\u0301", "a#b", "50%", "a[1]", "~home", "a+b", "a&b", "it's", 'a"b', "a?b", "a*b", "a;b",
    "a,b", "a:b", "a=b", "{x}", "$HOME", "a|b", "(x)", "@at", "-dash", ".hidden", "_under", "a^b", "a`b", "😀", "日本",
)  # fmt: skip
ALL_AT_ONCE = "a b é#%[1]~+&'\"?*;,:={x}$|(x)@^`😀"
REFUSED = ("a%20b", "a\\b")
