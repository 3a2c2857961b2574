"""Tables that one pass over the parts of a run leaves to the next, in a scratch folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from common.storage.filesystems import subtree


@dataclass(frozen=True)
class KeptTables:
    """Tables below a folder, which all processes of the run can write to and read."""

    folder: str

    def keep(self, name: str, rows: pa.Table) -> None:
        """Keeps the rows.

        Raises:
            OSError: they cannot be written.
        """
        place = subtree(self.folder)
        with place.open_output_stream(f"{name}.arrow") as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows)

    def kept(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows that were kept; with `columns`, these only."""
        with subtree(self.folder).open_input_file(f"{name}.arrow") as file:
            if columns is None:
                return pa.ipc.open_file(file).read_all()
            schema = pa.ipc.open_file(file).schema
            wanted = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(column) for column in columns])
            return pa.ipc.open_file(file, options=wanted).read_all().select(columns)

    def columns(self, name: str) -> list[str]:
        """The names of the columns that were kept."""
        with subtree(self.folder).open_input_file(f"{name}.arrow") as file:
            return list(pa.ipc.open_file(file).schema.names)

    def has(self, name: str) -> bool:
        """Whether rows were kept under that name."""
        return bool(subtree(self.folder).get_file_info(f"{name}.arrow").is_file)

    def drop(self, name: str) -> None:
        """Removes rows that are not needed any more."""
        subtree(self.folder).delete_file(f"{name}.arrow")
