"""The additions to ministack and its patches, assembled."""

from __future__ import annotations

import asyncio
from typing import Any

from ministack import app as ministack_app
from ministack.core import router
from ministack.services import stepfunctions

from localaws.authorization import asked, requests, simulation, targets
from localaws.authorization.sessions import Sessions
from localaws.processes.jobs import Processes
from localaws.server import constraints, wire
from localaws.server.settings import Settings
from localaws.services import (
    alarms,
    cloudformation,
    item_requests,
    notifications,
    queues,
    quotas,
    recovery,
    reserved_words,
    schedules,
    tables,
    throughput,
)
from localaws.services.ecs import Tasks
from localaws.services.functions.handlers import Functions
from localaws.services.glue import GlueRuns
from localaws.services.redshift_data.engine import Engine
from localaws.services.redshift_data.handlers import DataApi
from localaws.services.redshift_data.records import Records as Statements
from localaws.services.sagemaker.endpoints import Endpoints
from localaws.services.sagemaker.handlers import Pipelines
from localaws.services.sagemaker.model_packages import ModelPackages
from localaws.services.sagemaker.records import Records
from localaws.services.sagemaker.runner import Runner
from localaws.services.stepfunctions import executions, history
from localaws.services.stepfunctions.patches import install as patch_step_functions
from localaws.state.persistence import Persistence
from localaws.state.s3_client import Objects
from localaws.state.store import Store


class Plugin:
    """ministack's application with the services, patches and persistence of this package."""

    def __init__(self, settings: Settings) -> None:
        self.application: Any = ministack_app.app
        self._store = Store(settings.home / "state.sqlite3")
        patch_step_functions()
        alarms.install()
        notifications.install()
        queues.install()
        tables.install()
        recovery.install()
        item_requests.install(ministack_app.SERVICE_HANDLERS)
        reserved_words.install()
        throughput.install()
        requests.install_objects(ministack_app.SERVICE_HANDLERS)
        requests.install_transport()
        self.sessions = Sessions(settings.roles)
        processes = Processes(settings, self._store, self.sessions)
        processes.end_orphans()
        self.functions = Functions(processes)
        self.functions.install()
        cloudformation.install(self.functions.check)
        self._persistence = Persistence(self._store)
        self._persistence.restore()
        self._persistence.install()
        history.keep_in(self._store)
        history.restore(self._store)
        records = Records(self._store)
        self._runner = Runner(records, processes)
        self._glue = GlueRuns(processes, self._store)
        self._glue.install()
        self._tasks = Tasks(processes)
        self._tasks.install()
        engine = Engine(settings.home / "redshift", Objects())
        self._redshift = DataApi(Statements(self._store), engine)
        add_service("redshift-data", "RedshiftData", wire.service(self._redshift.operations()), "redshiftdata")
        add_service("service-quotas", "ServiceQuotasV20190624", wire.service(quotas.operations(settings.quotas)))
        pipelines = Pipelines(records, self._runner)
        schedules.install(pipelines.start, settings.roles)
        targets.install(settings.roles)
        simulation.install()
        asked.install(settings.asked)
        sagemaker = pipelines.operations() | ModelPackages(self._store).operations()
        self._endpoints = Endpoints(self._store, processes)
        add_service("sagemaker", "SageMaker", self._endpoints.handler(sagemaker))
        constraints.install(ministack_app.SERVICE_HANDLERS)
        requests.install(ministack_app.SERVICE_HANDLERS, self.sessions)
        self._endpoints.resume()

    async def keep_saving(self) -> None:
        """Saves changes every second while the server runs, and watches the alarms on queues."""
        await asyncio.gather(self._persistence.keep_saving(), alarms.keep_watching())

    def close(self) -> None:
        """Stops everything that runs, and saves the state."""
        queues.close()
        executions.close()
        self.functions.pools.close()
        self._runner.close()
        self._glue.close()
        self._tasks.close()
        self._endpoints.close()
        self._redshift.close()
        self._persistence.close()


def add_service(name: str, target: str, handler: wire.Handler, sdk_name: str | None = None) -> None:
    """Registers a service: by target prefix with the router, by its name in aws-sdk resources with Step Functions."""
    ministack_app.SERVICE_HANDLERS[name] = handler
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [f"{target}."]}
    integration = {"target_prefix": target, "protocol": "json", "service_key": name}
    stepfunctions._AWS_SDK_SERVICE_MAP[sdk_name or name] = integration
    stepfunctions._AWS_SDK_ERROR_PREFIX[sdk_name or name] = target
