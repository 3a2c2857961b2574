"""Everything that is added to ministack, put together."""

from __future__ import annotations

from typing import Any

from ministack import app as ministack_app
from ministack.core import router
from ministack.services import stepfunctions

from statemachines.emulator import wire
from statemachines.emulator.glue import GlueRuns
from statemachines.emulator.objects import Objects
from statemachines.emulator.persistence import Persistence
from statemachines.emulator.processes import Processes
from statemachines.emulator.redshift_data.engine import Engine
from statemachines.emulator.redshift_data.handlers import DataApi
from statemachines.emulator.redshift_data.records import Records as Statements
from statemachines.emulator.sagemaker.handlers import Pipelines
from statemachines.emulator.sagemaker.records import Records
from statemachines.emulator.sagemaker.runner import Runner
from statemachines.emulator.settings import Settings
from statemachines.emulator.stepfunctions import executions, history
from statemachines.emulator.stepfunctions.install import install as mend_step_functions
from statemachines.emulator.store import Store


class Plugin:
    """ministack's application with the additions and mends of this package."""

    def __init__(self, settings: Settings) -> None:
        self.application: Any = ministack_app.app
        self._store = Store(settings.home / "state.sqlite3")
        mend_step_functions()
        self._persistence = Persistence(self._store)
        self._persistence.restore()
        self._persistence.install()
        history.keep_in(self._store)
        history.restore(self._store)
        processes = Processes(settings, self._store)
        processes.end_orphans()
        records = Records(self._store)
        self._runner = Runner(records, processes)
        self._glue = GlueRuns(processes, self._store)
        self._glue.install()
        engine = Engine(settings.home / "redshift", Objects(settings.endpoint))
        self._redshift = DataApi(Statements(self._store), engine)
        add_service("redshift-data", "RedshiftData", wire.service(self._redshift.operations()), "redshiftdata")
        add_service("sagemaker", "SageMaker", wire.service(Pipelines(records, self._runner).operations()))

    async def keep_saving(self) -> None:
        """Save again and again, as long as the server runs."""
        await self._persistence.keep_saving()

    def close(self) -> None:
        """Stop what still runs and save what is not saved yet."""
        executions.close()
        self._runner.close()
        self._glue.close()
        self._redshift.close()
        self._persistence.close()


def add_service(name: str, target: str, handler: wire.Handler, sdk_name: str | None = None) -> None:
    """Make a service known: to the router by its target prefix, to Step Functions by its name in aws-sdk resources."""
    ministack_app.SERVICE_HANDLERS[name] = handler
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [f"{target}."]}
    integration = {"target_prefix": target, "protocol": "json", "service_key": name}
    stepfunctions._AWS_SDK_SERVICE_MAP[sdk_name or name] = integration
    stepfunctions._AWS_SDK_ERROR_PREFIX[sdk_name or name] = target
