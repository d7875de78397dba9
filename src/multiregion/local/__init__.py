"""Everything on this machine: the parts as processes, the wire between the regions, and who starts and stops them."""
