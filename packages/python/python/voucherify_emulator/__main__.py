"""Runs the command: `python -m voucherify_emulator`."""

from ._command import main

main()
