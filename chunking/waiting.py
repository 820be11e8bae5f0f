"""What a rule answers besides a position, shared by all scanners."""

from __future__ import annotations

from typing import Final

# The text that has arrived does not decide this yet; never the answer for a final text.
WAIT: Final = -1
# Decided: nothing ends here.
GO_ON: Final = 0
