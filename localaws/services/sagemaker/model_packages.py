"""SageMaker's model registry: groups of model packages, and their versions."""

from __future__ import annotations

from typing import Any

from localaws.server.wire import Document, Operation, ServiceError, arn, given, now, page, required
from localaws.services.sagemaker.definition import invalid
from localaws.services.sagemaker.views import by_time
from localaws.state.store import Store

GROUP, PACKAGE = "model-package-group", "model-package"
KEPT = (
    "ModelPackageDescription", "InferenceSpecification", "ModelMetrics", "CustomerMetadataProperties", "Domain", "Task",
    "SamplePayloadUrl", "MetadataProperties", "SourceUri",
)  # fmt: skip
"""What a version keeps of the request that creates it, and shows."""
CHANGED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri")


class ModelPackages:
    """The groups by name and their versions by ARN, in memory and in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._groups: dict[str, Document] = store.documents(GROUP)
        self._packages: dict[str, Document] = store.documents(PACKAGE)

    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": lambda request: _without(self._group(request)),
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": lambda request: _shown(self._package(request, "ModelPackageName")),
            "ListModelPackages": self.list_packages,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create_group(self, request: Document) -> Document:
        """Creates a group; an existing name is an error."""
        name = required(request, "ModelPackageGroupName")
        if name in self._groups:
            raise invalid(f"Model Package Group already exists: {self._groups[name]['ModelPackageGroupArn']}")
        self._groups[name] = given(
            ModelPackageGroupName=name,
            ModelPackageGroupArn=arn("sagemaker", f"{GROUP}/{name}"),
            ModelPackageGroupDescription=request.get("ModelPackageGroupDescription"),
            CreationTime=now(),
            CreatedBy={},
            ModelPackageGroupStatus="Completed",
        )
        self._store.put(GROUP, name, self._groups[name])
        return {"ModelPackageGroupArn": self._groups[name]["ModelPackageGroupArn"]}

    def list_groups(self, request: Document) -> Document:
        """The groups, in the order of their creation."""
        found = [entry for name, entry in self._groups.items() if (request.get("NameContains") or "") in name]
        items, more = page(by_time(found, request, "Ascending", lambda entry: entry["CreationTime"]), request)
        return {"ModelPackageGroupSummaryList": [_without(entry, "CreatedBy") for entry in items], **more}

    def delete_group(self, request: Document) -> Document:
        """Deletes a group without versions."""
        name = self._group(request)["ModelPackageGroupName"]
        if self._versions(name):
            raise ServiceError("ConflictException", f"Model Package Group {name} has model packages: delete them first")
        del self._groups[name]
        self._store.delete(GROUP, name)
        return {}

    def create(self, request: Document) -> Document:
        """Adds a version to a group; a repeated token returns the version that it made first."""
        if "ModelPackageName" in request:
            raise invalid("model packages without a group are not supported by the local AWS")
        group = self._group(request)
        name, token = group["ModelPackageGroupName"], request.get("ClientToken")
        for entry in self._versions(name):
            if token and entry["token"] == token:
                return {"ModelPackageArn": entry["ModelPackageArn"]}
        if not (request.get("InferenceSpecification") or {}).get("Containers") and "SourceUri" not in request:
            raise invalid("InferenceSpecification with Containers is required")
        number = group.get("last", 0) + 1
        group["last"] = number
        package = {
            "ModelPackageGroupName": name,
            "ModelPackageVersion": number,
            "ModelPackageArn": arn("sagemaker", f"{PACKAGE}/{name}/{number}"),
            "CreationTime": now(),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "ModelApprovalStatus": request.get("ModelApprovalStatus") or "PendingManualApproval",
            **{member: request[member] for member in KEPT if member in request},
            "token": token,
        }
        self._store.put(GROUP, name, group)
        return self._keep(package)

    def update(self, request: Document) -> Document:
        """Changes the approval of a version, and its metadata."""
        package = self._package(request, "ModelPackageArn")
        package |= {member: request[member] for member in CHANGED if member in request}
        metadata = package.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
        removed = request.get("CustomerMetadataPropertiesToRemove", [])
        package["CustomerMetadataProperties"] = {key: text for key, text in metadata.items() if key not in removed}
        package["LastModifiedTime"] = now()
        return self._keep(package)

    def list_packages(self, request: Document) -> Document:
        """The versions of a group, newest first, of one approval status if that is asked for."""
        wanted = request.get("ModelApprovalStatus")
        found = [
            entry
            for entry in self._versions(self._group(request)["ModelPackageGroupName"])
            if wanted in (None, entry["ModelApprovalStatus"])
        ]
        ordered = by_time(found, request, "Descending", lambda entry: entry["ModelPackageVersion"])
        items, more = page(ordered, request)
        names = (
            "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription",
            "CreationTime", "ModelPackageStatus", "ModelApprovalStatus",
        )  # fmt: skip
        summaries = [{name: entry[name] for name in names if name in entry} for entry in items]
        return {"ModelPackageSummaryList": summaries, **more}

    def delete(self, request: Document) -> Document:
        """Deletes a version; its number is not used again."""
        key = self._package(request, "ModelPackageName")["ModelPackageArn"]
        del self._packages[key]
        self._store.delete(PACKAGE, key)
        return {}

    def _group(self, request: Document) -> Document:
        """The group of a request, given by name or ARN."""
        name = required(request, "ModelPackageGroupName").rpartition("/")[2]
        if name not in self._groups:
            raise invalid(f"ModelPackageGroup {arn('sagemaker', f'{GROUP}/{name}')} does not exist.")
        return self._groups[name]

    def _package(self, request: Document, member: str) -> Document:
        key = required(request, member)
        if key not in self._packages:
            raise invalid(f"ModelPackage {key} does not exist.")
        return self._packages[key]

    def _versions(self, group: str) -> list[Document]:
        return [entry for entry in self._packages.values() if entry["ModelPackageGroupName"] == group]

    def _keep(self, package: Document) -> Document:
        key = package["ModelPackageArn"]
        self._packages[key] = package
        self._store.put(PACKAGE, key, package)
        return {"ModelPackageArn": key}


def _shown(package: Document) -> dict[str, Any]:
    return {**_without(package, "token"), "CreatedBy": {}, "LastModifiedBy": {}}


def _without(entry: Document, *names: str) -> Document:
    return {name: value for name, value in entry.items() if name not in (*names, "last")}
