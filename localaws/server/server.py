"""Runs the local AWS in the foreground: `python -m localaws.server.server`."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from localaws.server import patching
from localaws.server.settings import PORT_TAKEN_CODE, Settings, SettingsError

GRACE_SECONDS = 1.0

Application = Callable[[Any, Any, Any], Awaitable[None]]


async def serve(application: Application, settings: Settings, meanwhile: Awaitable[None]) -> None:
    """Serves until SIGTERM or SIGINT, while awaiting `meanwhile`."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    other = asyncio.ensure_future(meanwhile)
    try:
        await hypercorn_serve(application, config, shutdown_trigger=stop.wait)
    finally:
        other.cancel()


def _take_home(settings: Settings) -> Any:
    """The lock on the home folder, held while open; raises SettingsError if another server holds it."""
    lock = (settings.home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SettingsError(f"{settings.home} is used by another local AWS. Stop it, or give another --home") from error
    return lock


def _raise_file_limit() -> None:
    """Raises the limit on open files to the system's maximum, for bursts of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    """Serves until stopped; 1 if the server cannot start, another code if its port is taken."""
    try:
        # what the server keeps is the user's alone; steps make files as the user's own commands do
        settings = Settings.from_environment(step_umask=os.umask(0o077))
        lock = _take_home(settings)
        settings.prepare_ministack()
        patching.check()
        # ministack reads its environment on import, hence only after the settings
        from localaws.server.gate import Gate
        from localaws.server.plugin import Plugin
        from localaws.services.functions.runtime_api import RuntimeApi

        local = Plugin(settings)
    except (SettingsError, patching.PatchError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _raise_file_limit()
    try:
        gate = Gate(local.application, settings, RuntimeApi(local.functions.pools), local.sessions)
        asyncio.run(serve(gate, settings, local.keep_saving()))
    except OSError as error:
        sys.stderr.write(f"error: port {settings.port} cannot be opened: {error}. Choose another with GATEWAY_PORT\n")
        return PORT_TAKEN_CODE if error.errno == errno.EADDRINUSE else 1
    finally:
        local.close()
        lock.close()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # everything is saved; a thread still waiting for the closed event loop must not keep the process alive
    os._exit(code)
