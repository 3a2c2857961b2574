"""SageMaker's models, endpoint configurations and endpoints, each with a process while the server runs."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from localaws.processes.jobs import Processes
from localaws.processes.programs import ProgramError
from localaws.server.wire import Document, Handler, Operation, Response, arn, given, now, required, service
from localaws.services.sagemaker.definition import invalid
from localaws.services.sagemaker.serving import Serving, check, serving_command
from localaws.state.s3_client import ObjectError, Objects
from localaws.state.store import Store

KINDS = {"Model": "model", "EndpointConfig": "endpoint-config", "Endpoint": "endpoint"}
IN_SERVICE, FAILED, CREATING, UPDATING = "InService", "Failed", "Creating", "Updating"
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_STEM = "sagemaker-"


class Endpoints:
    """Models, configurations and endpoints by kind and name, in memory and in the store; and what serves them."""

    def __init__(self, store: Store, processes: Processes) -> None:
        self._store, self._processes = store, processes
        self._kept: dict[str, dict[str, Document]] = {kind: store.documents(_STEM + kind) for kind in KINDS}
        self._serving: dict[str, Serving] = {}
        self._starting: set[Serving] = set()
        self._lock = threading.RLock()
        self._closed = False

    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "CreateModel": self.create_model,
            "DescribeModel": lambda request: self._found("Model", request),
            "DeleteModel": lambda request: self._dropped("Model", request),
            "CreateEndpointConfig": self.create_configuration,
            "DescribeEndpointConfig": lambda request: self._found("EndpointConfig", request),
            "DeleteEndpointConfig": lambda request: self._dropped("EndpointConfig", request),
            "CreateEndpoint": self.create_endpoint,
            "DescribeEndpoint": lambda request: self._found("Endpoint", request),
            "UpdateEndpoint": self.update_endpoint,
            "DeleteEndpoint": self.delete_endpoint,
        }

    def handler(self, others: dict[str, Operation]) -> Handler:
        """The handler of SageMaker's requests with these operations too, and of those of its runtime."""
        answer = service(others | self.operations())

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            found = _INVOCATION.fullmatch(path)
            if found is None:
                return await answer(method, path, headers, body, query)
            kind = headers.get("content-type", "")
            return await asyncio.to_thread(self.invoke, unquote(found[1]), body, kind)

        return handle

    def resume(self) -> None:
        """Serves again what the server before this one served."""
        for name, record in self._kept["Endpoint"].items():
            if record["EndpointStatus"] != FAILED:
                self._start(name, record["EndpointConfigName"], CREATING)

    def create_model(self, request: Document) -> Document:
        """Keeps a model; an existing name is an error, and so is what cannot be served here."""
        try:
            check(self._processes.settings, request.get("PrimaryContainer") or {})
        except ProgramError as error:
            raise invalid(str(error)) from error
        return self._created("Model", request)

    def create_configuration(self, request: Document) -> Document:
        """Keeps a configuration of one variant, whose model exists."""
        variants = request["ProductionVariants"]
        if len(variants) != 1:
            raise invalid("the local AWS serves one production variant")
        self._found("Model", {"ModelName": variants[0]["ModelName"]})
        return self._created("EndpointConfig", request)

    def create_endpoint(self, request: Document) -> Document:
        """Begins to serve the model of a configuration."""
        configuration = self._found("EndpointConfig", request)["EndpointConfigName"]
        made = self._created("Endpoint", request)
        self._start(request["EndpointName"], configuration, CREATING)
        return made

    def update_endpoint(self, request: Document) -> Document:
        """Begins to serve another configuration; the former serves until then, and stays if that fails."""
        record = self._found("Endpoint", request)
        configuration = self._found("EndpointConfig", request)["EndpointConfigName"]
        if record["EndpointStatus"] in (CREATING, UPDATING):
            raise invalid(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
        self._start(record["EndpointName"], configuration, UPDATING)
        return {"EndpointArn": record["EndpointArn"]}

    def delete_endpoint(self, request: Document) -> Document:
        """Ends an endpoint and its process."""
        with self._lock:
            self._dropped("Endpoint", request)
            serving = self._serving.pop(request["EndpointName"], None)
        if serving:
            serving.stop()
        return {}

    def invoke(self, name: str, body: bytes, content_type: str) -> Response:
        """What the container of an endpoint answers to a request."""
        serving = self._serving.get(name)
        if serving is None:
            return _refusal(400, "ValidationError", Message=f"Endpoint {name} is not in service.")
        try:
            answer = serving.invoke(body, content_type)
        except OSError as error:
            return _refusal(500, "InternalFailure", Message=f"the container does not answer: {error}")
        if answer.status != 200:
            text = answer.content.decode(errors="replace")
            kind = "client" if answer.status < 500 else "server"
            return _refusal(
                424,
                "ModelError",
                Message=f'Received {kind} error ({answer.status}) from primary with message "{text}".',
                OriginalStatusCode=answer.status,
                OriginalMessage=text,
            )
        variant = {"x-amzn-invoked-production-variant": "AllTraffic"}
        return 200, {"Content-Type": answer.content_type, **variant}, answer.content

    def close(self) -> None:
        """Ends all processes when the server stops; the next one serves the same."""
        with self._lock:
            self._closed = True
            serving = [*self._serving.values(), *self._starting]
            self._serving.clear()
        for one in serving:
            one.stop()

    def _created(self, kind: str, request: Document) -> Document:
        name = required(request, f"{kind}Name")
        place = arn("sagemaker", f"{KINDS[kind]}/{name.lower()}")
        if name in self._kept[kind]:
            raise invalid(f'Cannot create already existing {KINDS[kind].replace("-", " ")} "{place}".')
        self._keep(kind, name, {**request, f"{kind}Arn": place, "CreationTime": now()})
        return {f"{kind}Arn": place}

    def _found(self, kind: str, request: Document) -> Document:
        name = required(request, f"{kind}Name")
        if name not in self._kept[kind]:
            place = arn("sagemaker", f"{KINDS[kind]}/{name.lower()}")
            raise invalid(f'Could not find {KINDS[kind].replace("-", " ")} "{place}".')
        return self._kept[kind][name]

    def _dropped(self, kind: str, request: Document) -> Document:
        self._found(kind, request)
        del self._kept[kind][request[f"{kind}Name"]]
        self._store.delete(_STEM + kind, request[f"{kind}Name"])
        return {}

    def _keep(self, kind: str, name: str, record: Document) -> None:
        self._kept[kind][name] = record
        self._store.put(_STEM + kind, name, record)

    def _start(self, name: str, configuration: str, status: str) -> None:
        self._change(name, EndpointStatus=status, FailureReason=None)
        thread = threading.Thread(target=self._bring, args=(name, configuration), name=f"endpoint {name}", daemon=True)
        thread.start()

    def _bring(self, name: str, configuration: str) -> None:
        """Serves the model of a configuration in place of what the endpoint serves, or notes why that failed."""
        serving: Serving | None = None
        try:
            serving = self._begun(name, configuration)
            reason = serving.problem()
        except (ProgramError, ObjectError, OSError, KeyError) as error:
            reason = str(error)
        with self._lock:
            if serving:
                self._starting.discard(serving)
            ended = serving
            if name in self._kept["Endpoint"] and not self._closed:
                former = self._serving.get(name)
                if reason:
                    status = IN_SERVICE if former else FAILED
                    self._change(name, EndpointStatus=status, FailureReason=reason)
                elif serving:
                    self._serving[name], ended = serving, former
                    self._change(name, EndpointStatus=IN_SERVICE, EndpointConfigName=configuration)
        if ended:
            ended.stop()

    def _begun(self, name: str, configuration: str) -> Serving:
        (variant,) = self._kept["EndpointConfig"][configuration]["ProductionVariants"]
        model = self._kept["Model"][variant["ModelName"]]
        place = Path("endpoints") / name / configuration
        command = serving_command(self._processes.settings, model, place, Objects())
        with self._lock:
            if self._closed:
                raise ProgramError("the local AWS stops")
            serving = Serving(command, self._processes)
            self._starting.add(serving)
        return serving

    def _change(self, name: str, **members: Any) -> None:
        record = {**self._kept["Endpoint"][name], **members, "LastModifiedTime": now()}
        self._keep("Endpoint", name, given(**record))


def _refusal(status: int, kind: str, **members: Any) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-errortype": kind}
    return status, headers, json.dumps(members).encode()
