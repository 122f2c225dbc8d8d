"""A program for the client that openapi-python-client generates."""

import datetime
import sys
import time

from userlake_client import AuthenticatedClient
from userlake_client.api.jobs import get_job, publish_output
from userlake_client.api.records import export_records_csv, get_record, get_record_image, list_records
from userlake_client.api.statistics import get_statistics
from userlake_client.models import AgeBasis, Job, JobResult, Problem, Record, Statistics
from userlake_client.types import UNSET, File

# A service without API keys ignores the key.
client = AuthenticatedClient(base_url=sys.argv[1], token="key")

where, as_of = ["last_name~o"], datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
records = list_records.sync(
    client=client, where=where, min_age=51.1, as_of=as_of, image_exists=True, columns=["last_name", "user_id"], sort=["-last_name"]
)
assert isinstance(records, list), records
assert [record.user_id for record in records] == ["1077", "1026", "1003", "1045", "1048", "1035", "wren.ashgrove", "1084"], records
assert records[0].first_name is UNSET and records[0].last_name is not UNSET, records

ids: list[str] = []
page = list_records.sync_detailed(client=client, limit=30)
while True:
    assert isinstance(page.parsed, list), page
    ids.extend(record.user_id for record in page.parsed if isinstance(record.user_id, str))
    cursor = page.headers.get("next-cursor")
    if cursor is None:
        break
    page = list_records.sync_detailed(client=client, cursor=cursor)
assert len(ids) == len(set(ids)) == 100, ids

statistics = get_statistics.sync(
    client=client, where=where, min_age=51.1, as_of=as_of, image_exists=True, age_basis=AgeBasis.EXACT, bin_width=20
)
assert isinstance(statistics, Statistics), statistics
assert statistics.count == 9 and statistics.average_age == 68.06787588409765, statistics
assert [bin.count for bin in statistics.age_histogram] == [3, 4, 2], statistics

one = get_record.sync_detailed(user_id="1003", client=client)
record = one.parsed
assert isinstance(record, Record), one
assert (record.user_id, record.first_name, record.last_name) == ("1003", "Róisín", "O'Dunmore"), record
assert (record.birthts, record.img_path) == (-843706800000, "source_data/1003.png"), record
missing = get_record.sync_detailed(user_id="no such id", client=client)
assert missing.status_code == 404 and isinstance(missing.parsed, Problem) and missing.parsed.code == "record_not_found", missing

image = get_record_image.sync(user_id="1001", client=client)
assert isinstance(image, File), image
data = image.payload.read()
assert len(data) == 1180 and data[1:4] == b"PNG", data

dry_run = publish_output.sync(client=client, dry_run=True)
assert isinstance(dry_run, Job) and dry_run.state == "succeeded" and dry_run.dry_run, dry_run

accepted = publish_output.sync_detailed(client=client, prefer="respond-async")
job = accepted.parsed
assert accepted.status_code == 202 and isinstance(job, Job) and not job.dry_run, accepted
deadline = time.monotonic() + 10
while job.finished_at is None:
    assert time.monotonic() < deadline, job
    time.sleep(0.05)
    current = get_job.sync(id=job.id, client=client)
    assert isinstance(current, Job), current
    job = current
assert job.state == "succeeded" and isinstance(job.result, JobResult) and job.result.records == 100, job

again = get_record.sync_detailed(user_id="1003", client=client, if_none_match=one.headers["etag"])
assert again.status_code == 304 and again.parsed is None, again

table = export_records_csv.sync(client=client, user_id=["1007", "1082"], columns=["user_id"])
assert table == "user_id\r\n1007\r\n1082\r\n", table
