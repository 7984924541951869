"""Records with every attribute that was seen, by section of Connec! API v2: invented values in the real form.

References stand as texts: the hub believes ids of its own that it does not know yet.
"""

from tests.sandbox.contract.examples.parties import PARTIES
from tests.sandbox.contract.examples.trade import GUESSED, TRADE
from tests.sandbox.contract.examples.work import WORK

__all__ = ["EXAMPLES", "GUESSED"]

EXAMPLES = [*PARTIES, *TRADE, *WORK]
