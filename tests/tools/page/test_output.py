from pathlib import Path

import pytest

from common.errors import AwsError
from common.windows import Windows
from localaws.cli.process import LocalAws
from tests.localaws.running import unique
from tools.page.output import write

DAY = Windows.parse("2026-03-09T00:08Z/2026-03-10T00:08Z")
"""The last window of it ends on the next day."""
TO_MIDNIGHT = Windows.parse("2026-03-09T00:08Z/2026-03-09T23:53Z")


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    assert write(f"{tmp_path}/new/page.html", "one", DAY) == [f"{tmp_path}/new/page.html"]
    assert (tmp_path / "new" / "page.html").read_text() == "one"
    for windows, text in ((TO_MIDNIGHT, "one"), (DAY, "two")):
        write(f"{tmp_path}/days/", text, windows)
    found = {path.name: path.read_text() for path in (tmp_path / "days").iterdir()}
    assert found == {"2026-03-09.html": "one", "2026-03-10.html": "two", "latest.html": "two"}


@pytest.mark.slow
def test_objects_of_s3(aws_environment: LocalAws) -> None:
    s3, bucket = aws_environment.client("s3"), unique("pages")
    s3.create_bucket(Bucket=bucket)
    assert write(f"s3://{bucket}/page/acme/", "<p>one</p>", DAY) == [
        f"s3://{bucket}/page/acme/2026-03-10.html",
        f"s3://{bucket}/page/acme/latest.html",
    ]
    found = s3.get_object(Bucket=bucket, Key="page/acme/latest.html")
    assert (found["ContentType"], found["CacheControl"]) == ("text/html; charset=utf-8", "private, no-store")
    assert found["Body"].read() == b"<p>one</p>"
    with pytest.raises(AwsError, match="could not be written: NoSuchBucket"):
        write("s3://no-such-bucket/x.html", "", DAY)
