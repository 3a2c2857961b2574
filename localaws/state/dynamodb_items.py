"""DynamoDB items, saved one by one: a table is never written as a whole."""

from __future__ import annotations

import copy
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from localaws.server.patching import replace
from localaws.state.store import Store

_original_set = dynamodb._set_item
_original_remove = dynamodb._remove_item
_original_replaced = dynamodb._items_replaced
_original_delete = dynamodb._delete_table
_original_stack_delete = provisioners._ddb_delete


class Tables:
    """Saves each change of an item to the store immediately."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def install(self) -> None:
        """Patches ministack to save items."""
        replace(dynamodb, "_set_item", self.set_item)
        replace(dynamodb, "_remove_item", self.remove_item)
        replace(dynamodb, "_items_replaced", self.items_replaced)
        replace(dynamodb, "_delete_table", self.delete_table)
        replace(provisioners, "_ddb_delete", self.delete_table_of_stack)
        provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]["delete"] = self.delete_table_of_stack

    def set_item(self, table: dict[str, Any], pk_val: str, sk_val: str, item: Any) -> Any:
        """Sets an item, and saves it."""
        old = _original_set(table, pk_val, sk_val, item)
        self._store.put_item(table["TableArn"], pk_val, sk_val, item)
        return old

    def remove_item(self, table: dict[str, Any], pk_val: str, sk_val: str) -> Any:
        """Removes an item, also from the store."""
        old = _original_remove(table, pk_val, sk_val)
        self._store.delete_item(table["TableArn"], pk_val, sk_val)
        return old

    def items_replaced(self, table: dict[str, Any]) -> None:
        """Saves all items of a table again, after a restored backup or a rolled-back transaction."""
        _original_replaced(table)
        items = [(pk, sk, item) for pk, sorts in table["items"].items() for sk, item in sorts.items()]
        self._store.replace_items(table["TableArn"], items)

    def delete_table(self, data: dict[str, Any]) -> Any:
        """Deletes a table and its items."""
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")))
        response = _original_delete(data)
        if response[0] == 200 and table is not None:
            self._store.replace_items(table["TableArn"], [])
        return response

    def delete_table_of_stack(self, physical_id: str, props: dict[str, Any]) -> None:
        """Deletes a table of a stack and its items, which a table of the same name would have after a restart."""
        table = dynamodb._tables.get(physical_id)
        _original_stack_delete(physical_id, props)
        if table is not None:
            self._store.replace_items(table["TableArn"], [])

    def restore(self) -> None:
        """Puts saved items into the restored tables."""
        for arn, partition, sort, item in self._store.items():
            _, _, _, region, account, name = arn.split(":", 5)
            table = dynamodb._tables.get_scoped(account, region, name.removeprefix("table/"))
            if table is not None:
                _original_set(table, partition, sort, item)


def state() -> dict[str, Any]:
    """The state of DynamoDB without items."""
    tables = AccountRegionScopedDict()
    for (account, region, name), table in dynamodb._tables.all_items():
        kept = {key: value for key, value in table.items() if key not in ("items", dynamodb._INDEX_MEMBERS)}
        empty = {"items": {}, "ItemCount": 0, "TableSizeBytes": 0}
        tables.set_scoped(account, region, name, copy.deepcopy(kept) | empty)
    return {
        "tables": tables,
        "tags": copy.deepcopy(dynamodb._tags),
        "ttl_settings": copy.deepcopy(dynamodb._ttl_settings),
        "pitr_settings": copy.deepcopy(dynamodb._pitr_settings),
        "resource_policies": copy.deepcopy(dynamodb._resource_policies),
    }
