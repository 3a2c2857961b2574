"""Lines with everything that readers of JSON disagree on, and by hand what each is as text."""

from __future__ import annotations

from common.ndjson.lines import DEEPEST, LONGEST_LINE

GOOD: list[tuple[bytes, dict[str, str | None]]] = [
    (b'{"decimal":1.10,"big":12345678901234567890123,"huge":1e400,"minus":-0,"power":1E+05}',
     {"decimal": "1.10", "big": "12345678901234567890123", "huge": "1e400", "minus": "-0", "power": "1E+05"}),
    (b'{"yes":true,"no":false,"nothing":null,"blank":""}',
     {"yes": "true", "no": "false", "nothing": None, "blank": ""}),
    (b'{"object":{"x": [1, 2.0],"d":{}},"list":[ 1,"a\\n"],"none":[]}',
     {"object": '{"x": [1, 2.0],"d":{}}', "list": '[ 1,"a\\n"]', "none": "[]"}),
    (rb'{"escapes":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","plain":"\u00e9"}'.replace(b"plain", "pläin".encode()),
     {"escapes": '"\\/\b\f\n\r\té😀', "pläin": "é"}),
    (b'{"null":"null","text":"nul","one":"1"}', {"null": "null", "text": "nul", "one": "1"}),
    (b'{"twice":1,"between":2,"twice":3}', {"twice": "3", "between": "2"}),
    (b'{"Case":1,"case":2,"CASE":3}', {"Case": "1", "case__2": "2", "CASE__3": "3"}),
    (b'{"CASE":"one","case__2":"own"}', {"Case": "one", "case__2": "own"}),
    (b'{"case__2":"first","case":"a","Case":"b"}', {"case__2": "first", "Case": "a", "CASE__3": "b"}),
    (b'{"a.b":1,"a":{"b":2}}', {"a.b": "1", "a": '{"b":2}'}),
    (b'{"":1,"_empty":2}', {"_empty": "1", "_empty__2": "2"}),
    (b'{"{1, x}":1," ":2,"`":3}', {"{1, x}": "1", " ": "2", "`": "3"}),
    (b'{"_source_file":"own","_Processing_Timestamp":"t"}',
     {"_source_file__2": "own", "_Processing_Timestamp__2": "t"}),
    (b"{}", {}),
    (b' \t{ "spaces" : "around" } \r', {"spaces": "around"}),
    (b'{"deep":' + b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1) + b"}",
     {"deep": "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)}),
    (b'{"brackets":"' + b"[" * 2 * DEEPEST + b'"}', {"brackets": "[" * 2 * DEEPEST}),
    (b'{"delete":"\x7f","separator":"\xe2\x80\xa8"}', {"delete": "\x7f", "separator": "\u2028"}),
]  # fmt: skip
"""Each line, and its values that are not absent."""

LONG = b'{"long":"' + b"x" * (LONGEST_LINE - 11) + b'"}'
"""As long as a line may be."""

BAD: list[tuple[bytes, str]] = [
    (b"[1]", "no JSON object but array"),
    (b"1", "no JSON object but int"),
    (b'"text"', "no JSON object but str"),
    (b"null", "no JSON object but null"),
    (b'{"a":1}{"b":2}', "more than one value on the line"),
    (b'{"a":1},', "more than one value on the line"),
    (b'{"a":"\xff"}', "not UTF-8"),
    (b'{"a":["\xed\xa0\x80"]}', "not UTF-8"),
    (b'{"a":"x\x01"}', "control character 0x01"),
    (b'{"a":["\t"]}', "control character 0x09"),
    (b'{"a\x00":1}', "control character 0x00"),
    (b'{"a":NaN}', "no JSON: invalid character (byte 5)"),
    (b'{"a":[-Infinity]}', "no JSON: invalid character (byte 7)"),
    (b'{"a":01}', "no JSON: invalid number (byte 6)"),
    (b'{"a":1,}', "no JSON: trailing comma in object (byte 7)"),
    (b"{'a':1}", "no JSON: object keys must be strings (byte 1)"),
    (b'{"a":"\\q"}', "no JSON: invalid escaped character (byte 7)"),
    (b'{"a":{"b":1}', "cut off"),
    (b'{"a":"\\ud800"}', "half a surrogate pair, which no text can hold"),
    (b'{"a":["\\ud800 and more"]}', "half a surrogate pair, which no text can hold"),
    (b'{"a":"\\udc00\\ud800 and more"}', "half a surrogate pair, which no text can hold"),
    (b'{"a":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", f"nested deeper than {DEEPEST} levels"),
    (b"[" * 100_000, f"nested deeper than {DEEPEST} levels"),
    (LONG.replace(b"long", b"longer"), f"longer than {LONGEST_LINE:,} bytes"),
]
"""Each line, and why it is no record."""
