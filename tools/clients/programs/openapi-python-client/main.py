"""A program for the client that openapi-python-client generates."""

import datetime
import sys

from userlake_client import AuthenticatedClient
from userlake_client.api.jobs import publish_output
from userlake_client.api.records import export_records_csv, get_record, get_record_image, list_records
from userlake_client.api.statistics import get_statistics
from userlake_client.models import AgeBasis, Job, Problem, Statistics
from userlake_client.types import UNSET, File

# A service without API keys ignores the key.
client = AuthenticatedClient(base_url=sys.argv[1], token="key")

ids: set[str] = set()
page = list_records.sync_detailed(client=client, limit=30)
while True:
    assert isinstance(page.parsed, list)
    ids.update(record.user_id for record in page.parsed if isinstance(record.user_id, str))
    cursor = page.headers.get("next-cursor")
    if cursor is None:
        break
    page = list_records.sync_detailed(client=client, cursor=cursor)
assert len(ids) == 100, ids

as_of = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
records = list_records.sync(
    client=client, min_age=0.1 + 0.2, as_of=as_of, image_exists=True, columns=["last_name", "user_id"], sort=["-last_name"]
)
assert isinstance(records, list) and records[0].first_name is UNSET and records[0].last_name is not UNSET, records
statistics = get_statistics.sync(client=client, min_age=0.1 + 0.2, as_of=as_of, image_exists=True, age_basis=AgeBasis.EXACT, bin_width=5)
assert isinstance(statistics, Statistics) and statistics.count == len(records), statistics

table = export_records_csv.sync(client=client, user_id=["1007", "1082"], columns=["user_id"])
assert table == "user_id\r\n1007\r\n1082\r\n", table

image = get_record_image.sync(user_id="1001", client=client)
assert isinstance(image, File) and image.payload.read(4) == b"\x89PNG", image

missing = get_record.sync(user_id="no such id", client=client)
assert isinstance(missing, Problem) and missing.code == "record_not_found", missing

job = publish_output.sync(client=client, dry_run=True)
assert isinstance(job, Job) and job.state == "succeeded" and job.dry_run, job
