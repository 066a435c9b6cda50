"""The product in one minute: real processes, real clients, one SOS. `python -m demo`."""
