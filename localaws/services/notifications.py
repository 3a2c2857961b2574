"""SNS topics that deliver to queues and functions of this server only: no requests go to other servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import sns

from localaws.processes.programs import ProgramError
from localaws.server.patching import replace

_original_validate = sns._validate_subscription_endpoint


def install() -> None:
    """Makes ministack refuse subscriptions of web addresses, and never call one."""
    replace(sns, "_validate_subscription_endpoint", validate_subscription_endpoint)
    replace(sns, "_deliver_to_http", deliver_to_http)


def check_subscription(props: Mapping[str, Any]) -> None:
    """Refuses a subscription, as a template has it, of a web address; raises ProgramError."""
    protocol = str(props.get("Protocol", ""))
    if protocol in ("http", "https"):
        raise ProgramError(f"subscriptions of protocol {protocol} are not supported by the local AWS")


def check_topic(props: Mapping[str, Any]) -> None:
    """Refuses a topic with such a subscription; raises ProgramError."""
    for subscription in props.get("Subscription") or []:
        check_subscription(subscription)


def validate_subscription_endpoint(protocol: str, endpoint: str) -> Any:
    """The error of a subscription that is refused; None for the others."""
    try:
        check_subscription({"Protocol": protocol})
    except ProgramError as error:
        return sns._error("InvalidParameterException", str(error), 400)
    return _original_validate(protocol, endpoint)


async def deliver_to_http(endpoint: str, payload: str) -> None:
    """Delivers nothing to a web address, whose subscription an earlier state may hold."""
