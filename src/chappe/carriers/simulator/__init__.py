"""A carrier to try Chappe against: an SMSC that misbehaves on demand, on the same SMPP session.

`Simulator` listens for SMPP binds and for control over HTTP; `SimulatorOptions` says how it behaves and
may be replaced while it runs. Nothing here is used to reach a real carrier.
"""

from .language import ScriptError, ready_scripts
from .options import SimulatorOptions, parse_shares
from .simulator import Simulator, run

__all__ = ["ScriptError", "Simulator", "SimulatorOptions", "parse_shares", "ready_scripts", "run"]
