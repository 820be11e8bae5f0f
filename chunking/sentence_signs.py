"""The characters that sentence rules look at. Knows no rule.

Sentence ends of the world's scripts are those with the property Sentence_Terminal (UAX #29) in living use;
``.``, ``!``, ``?`` and ``…`` are ambiguous and have rules of their own.
"""

from __future__ import annotations

NEWLINES = "\n\r\x85\u2028\u2029"
# Ambiguous: what comes before and after decides.
STOPS = ".!?…‼⁇⁈⁉"
# End a sentence whether or not a blank follows.
FULL_STOPS = "。！？｡．؟۔।॥།༎။៕។፧።፨։᠃᠉\u037e"
# No sentence ends between these when they close within the line and CODE_POINTS_QUOTED.
QUOTES = {"（": "）", "「": "」", "『": "』", "《": "》", "【": "】", "〈": "〉"}
CODE_POINTS_QUOTED = 80
CLOSING = "”’」』）》】〉)]»›"
# These close when an odd number of them has come since the sentence began.
PAIRED = '"*_~'
OPENING = "\"'“‘„‚«‹([{¿¡*_#「『（《【〈"
# A sentence goes on when one of these follows its stop and closing marks.
CONTINUING = "，、；：,;:·）」』》"
BULLETS = "•⁃‣◦▪"
BLANKS = " \t\xa0\u2009\u202f\u3000"
