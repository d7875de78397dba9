"""Everything on this machine: the parts as processes, the wire between the regions, and who starts and stops them."""

import sys

# httpx loads its own command line (rich, click, pygments) and does without it if it is not there; it was a quarter of a part's start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
