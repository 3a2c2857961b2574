"""Service Quotas: those that the server was started with, and no others."""

from __future__ import annotations

from collections.abc import Mapping

from localaws.server.wire import Document, Operation, required


def operations(quotas: Mapping[str, Mapping[str, float]]) -> dict[str, Operation]:
    """The operations by name, of quotas by service and name."""

    def listed(request: Document) -> Document:
        service = required(request, "ServiceCode")
        found = quotas.get(service, {})
        return {
            "Quotas": [
                {"ServiceCode": service, "QuotaName": name, "QuotaCode": f"L-{number:08}", "Value": value}
                for number, (name, value) in enumerate(found.items(), start=1)
            ]
        }

    return {"ListServiceQuotas": listed}
