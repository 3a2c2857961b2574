"""A client for objects of the local S3, over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from xml.etree import ElementTree

_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class ObjectError(Exception):
    """S3 refused a request."""


@dataclass(frozen=True)
class Objects:
    """S3 objects at an endpoint."""

    endpoint: str

    def _request(self, method: str, uri: str, body: bytes | None = None, query: str = "") -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        url = f"{self.endpoint}/{bucket}/{urllib.parse.quote(key)}{query}".rstrip("/")
        request = urllib.request.Request(url, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=600) as response:
                content: bytes = response.read()
        except urllib.error.HTTPError as error:
            code = ElementTree.fromstring(error.read() or b"<Error/>").findtext("Code") or error.reason
            raise ObjectError(f"{method} {uri}: {code}, status {error.code}") from error
        except urllib.error.URLError as error:
            raise ObjectError(f"{method} {uri}: {error.reason}") from error
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
        bucket, _, key = prefix.removeprefix("s3://").partition("/")
        found: dict[str, int] = {}
        token = ""
        while True:
            members = {"list-type": "2", "prefix": key, **({"continuation-token": token} if token else {})}
            page = self._request("GET", f"s3://{bucket}", query=f"?{urllib.parse.urlencode(members)}")
            root = ElementTree.fromstring(page)
            for item in root.iter(f"{_NAMESPACE}Contents"):
                name = item.findtext(f"{_NAMESPACE}Key") or ""
                found[f"s3://{bucket}/{name}"] = int(item.findtext(f"{_NAMESPACE}Size") or 0)
            token = root.findtext(f"{_NAMESPACE}NextContinuationToken") or ""
            if not token:
                return found
