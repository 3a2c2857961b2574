"""A client for objects of the local S3, in the process that serves it."""

from __future__ import annotations

from xml.etree import ElementTree

from ministack import app

from common.storage.filesystems import bucket_and_key

_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_SECONDS = 600.0


class ObjectError(Exception):
    """S3 refused a request."""


class Objects:
    """S3 objects; the calling thread waits for the event loop that serves HTTP."""

    def _request(self, method: str, uri: str, body: bytes = b"", query: dict[str, list[str]] | None = None) -> bytes:
        bucket, key = bucket_and_key(uri)
        path = f"/{bucket}/{key}" if key else f"/{bucket}"
        handler, headers = app.SERVICE_HANDLERS["s3"], {"host": "s3"}
        answer = app.call_service_handler_sync(handler, method, path, headers, body, query or {}, _SECONDS)
        status, content = int(answer[0]), bytes(answer[2])
        if status >= 400:
            code = ElementTree.fromstring(content or b"<Error/>").findtext("Code") or "no reason given"
            raise ObjectError(f"{method} {uri}: {code}, status {status}")
        return content

    def get(self, uri: str) -> bytes:
        """The content of an object."""
        return self._request("GET", uri)

    def put(self, uri: str, content: bytes) -> None:
        """Writes an object."""
        self._request("PUT", uri, content)

    def delete(self, uri: str) -> None:
        """Deletes an object."""
        self._request("DELETE", uri)

    def list(self, prefix: str) -> dict[str, int]:
        """The size of each object whose URI starts with the prefix, by URI in order."""
        bucket, key = bucket_and_key(prefix)
        found: dict[str, int] = {}
        token = ""
        while True:
            members = {"list-type": ["2"], "prefix": [key], **({"continuation-token": [token]} if token else {})}
            root = ElementTree.fromstring(self._request("GET", f"s3://{bucket}", query=members))
            for item in root.iter(f"{_NAMESPACE}Contents"):
                name = item.findtext(f"{_NAMESPACE}Key") or ""
                found[f"s3://{bucket}/{name}"] = int(item.findtext(f"{_NAMESPACE}Size") or 0)
            token = root.findtext(f"{_NAMESPACE}NextContinuationToken") or ""
            if not token:
                return found
