"""`python -m multiregion`: the same as the command `multiregion`."""

from multiregion.cli import main

main()
