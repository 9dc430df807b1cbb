"""Starts the emulator of Voucherify's customers API, and controls it in tests.

    import voucherify_emulator

    with voucherify_emulator.start() as emulator:
        project = emulator.project()
        # Run the code under test with project.url, project.app_id and project.app_token.
        assert project.request_count(operation="create-customer") == 1

The pytest plugin of this package has the fixtures `voucherify_emulator` and `voucherify_project`.
"""

from ._controls import ClockReading, FaultControl, IdControl, ProjectClock
from ._emulator import Emulator, StartOptions, connect, start
from ._project import Project
from .errors import ApiError, EmulatorError, EmulatorTimeoutError, StartError

__all__ = [
    "ApiError",
    "ClockReading",
    "Emulator",
    "EmulatorError",
    "EmulatorTimeoutError",
    "FaultControl",
    "IdControl",
    "Project",
    "ProjectClock",
    "StartError",
    "StartOptions",
    "connect",
    "start",
]

__version__ = "0.1.0"
