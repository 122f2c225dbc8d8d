/** A test that proves a guarantee: its file, and the name of the test in it. */
export type TestName = readonly [file: string, name: string]

/** A fault, what happens then, and the tests that prove it, or the reason why it has no test. */
export type Row = { readonly fault: string, readonly guarantee: string } & ({ readonly tests: readonly TestName[] } | { readonly skipped: string })

/** Whether a test needs real servers. */
export function needsServers ([file]: TestName): boolean {
  return file.startsWith('test/real/')
}

export interface Section { readonly title: string, readonly rows: readonly Row[] }

/** All faults. `npm run faults` writes docs/faults.md from them. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'The store cannot be reached, or is silent',
    rows: [
      {
        fault: 'The store is down at the start',
        guarantee: 'The process goes on, `/readyz` is 503 with the reason, and the process becomes ready by itself when the store is back.',
        tests: [['test/plugins/lifecycle.test.ts', 'if the bucket is down at the start, the server reports why, retries at growing intervals, and becomes ready']]
      },
      {
        fault: 'The store is down while the service serves',
        guarantee: 'Reads get the last data at once, with `Data-Stale`, and 503 once it is older than MAX_STALE_IF_ERROR; when the store is back, the data is fresh again.',
        tests: [
          ['test/plugins/lifecycle.test.ts', 'while the bucket is down, reads are served from the last data and marked as stale; afterwards they are fresh again'],
          ['test/routes/data.test.ts', 'while the bucket fails, the last data is served and marked as stale, until MAX_STALE_IF_ERROR has passed'],
          ['test/lib/store/s3/s3-faults.test.ts', 'reports `unreachable` if no server listens, and recovers when one does']
        ]
      },
      {
        fault: 'The store comes back after an outage',
        guarantee: 'Without a request, refreshes and jobs that have failed are repeated with growing pauses (of about 30 s at most while the lake cannot be read), and `/readyz` no longer reports what the outage has caused. If a refresh only lacked some files, the next job, after AGGREGATE_INTERVAL at most, ends the report.',
        tests: [
          ['test/lib/refresher.test.ts', 'without traffic a failed refresh is repeated after growing pauses until it succeeds'],
          ['test/plugins/lifecycle.test.ts', 'a first job that fails although there is data is repeated after growing pauses, until it succeeds or the next pause would reach AGGREGATE_INTERVAL'],
          ['test/plugins/lifecycle.test.ts', 'a job that fails later, also one of a client, is repeated at growing intervals, at most every 30 s while the lake cannot be read'],
          ['test/routes/replicas.test.ts', 'a state that could not be written is reported until a job, which is repeated without requests, has written it'],
          ['test/routes/replicas.test.ts', 'a replica that could not write the state reports that only while no other one leads']
        ]
      },
      {
        fault: 'A server that no longer accepts connections: SYN packets get no answer',
        guarantee: 'The attempt and the operation end at their time limits.',
        tests: [['test/lib/store/s3/connections.test.ts', 'operations on a server that does not accept connections end at their time limits']]
      },
      {
        fault: 'A server that closes connections just when they are used again',
        guarantee: 'The request is sent again; no operation fails.',
        tests: [['test/lib/store/s3/connections.test.ts', 'a request whose connection the server closes just when it is used again is sent on another connection']]
      },
      {
        fault: 'A response does not begin',
        guarantee: 'The request is sent again on another connection after 2 s, with a longer limit each time; the operation has a time limit of its own.',
        tests: [
          ['test/lib/store/s3/first-byte-limit.test.ts', 'a listing, HEAD, image or snapshot that gets no response is requested again on another connection'],
          ['test/lib/store/s3/s3-faults.test.ts', 'aborts requests that exceed the time limit']
        ]
      },
      {
        fault: 'A silent store',
        guarantee: 'Reads do not wait for it; `POST /data` and `no-cache` wait at most 15 s, and the job goes on.',
        tests: [
          ['test/routes/jobs.test.ts', 'POST and no-cache do not wait for a silent store, and the job goes on'],
          ['test/lib/refresher.test.ts', 'while the bucket does not respond, one request waits and the others do not']
        ]
      },
      {
        fault: 'A body that stalls or arrives byte by byte',
        guarantee: 'The download ends at its time limit, is tried again after a pause, and delays nothing else.',
        tests: [
          ['test/lib/store/s3/s3-faults.test.ts', 'aborts requests that exceed the time limit'],
          ['test/lib/source/reconcile.test.ts', 'a stalled download times out, is retried after a pause, and delays nothing'],
          ['test/lib/store/s3/s3-downloads.test.ts', 'downloads that stall do not delay listings, images and outputs, and the downloads that wait for them fail']
        ]
      },
      {
        fault: 'The store is slow for a long time',
        guarantee: 'No read waits for longer than REFRESH_WAIT, and none at all once refreshes take longer than that.',
        tests: [
          ['test/lib/refresh-rule.test.ts', 'under traffic no read waits, however long refreshes take, and whether they fail or not'],
          ['test/routes/data.test.ts', 'if a listing takes longer than REFRESH_WAIT, the last data is served and marked as stale']
        ]
      },
      {
        fault: 'The name of the server cannot be resolved, or its address changes',
        guarantee: 'The next request looks the name up again; a connection that works is replaced after five minutes.',
        tests: [
          ['test/lib/store/s3/connections.test.ts', 'the name of the server is looked up again after a failure: the server may move, or its name be unknown for a time'],
          ['test/lib/store/s3/connections.test.ts', 'a connection that works is replaced after five minutes, so that the name of the server is looked up again']
        ]
      },
      {
        fault: 'A certificate that is self-signed, expired or for another name; a server without TLS',
        guarantee: 'Nothing is sent, there is no insecure mode, and the message names what to set.',
        tests: [
          ['test/lib/store/s3/connections.test.ts', 'if a certificate is not trusted or the server has no TLS, nothing is sent, and the message names what to set'],
          ['test/lib/store/s3/s3-error.test.ts', 'maps every failure to an error code']
        ]
      },
      {
        fault: 'A network mount that hangs (folder lakes)',
        guarantee: 'Reads of files end at their time limit and leave the thread pool to others.',
        tests: [
          ['test/lib/store/folder/folder-store.test.ts', 'reads that hang leave the thread pool to others, and the store works again afterwards'],
          ['test/lib/store/folder/folder-store.test.ts', 'a stream that hangs ends with `timeout`']
        ]
      },
      {
        fault: 'An outage of any length, in the log',
        guarantee: 'It is logged when it begins, with its cause, and when it ends.',
        tests: [
          ['test/plugins/lifecycle.test.ts', 'Data-Stale lists all reasons, also with 304; each change is logged once'],
          ['test/plugins/publish.test.ts', 'a lake that becomes unwritable is logged once, and once more when it can be written to again']
        ]
      }
    ]
  },
  {
    title: 'The store refuses, or fails',
    rows: [
      {
        fault: '500, 502, 503 SlowDown, 504',
        guarantee: 'Requests are repeated with growing pauses, until a budget that all requests share is spent, so that an outage does not multiply them; then the last data is served as stale.',
        tests: [
          ['test/routes/store-faults.test.ts', '500 InternalError'],
          ['test/routes/store-faults.test.ts', '502 of a proxy'],
          ['test/routes/store-faults.test.ts', '503 SlowDown'],
          ['test/routes/store-faults.test.ts', '504 of a proxy'],
          ['test/lib/store/s3/s3-downloads.test.ts', 'a store that refuses some requests is read at the rate that it accepts, and nothing is lost'],
          ['test/lib/store/s3/s3-downloads.test.ts', 'an outage does not multiply requests'],
          ['test/lib/store/s3/s3-downloads.test.ts', 'failures of other requests use the same budget of retries']
        ]
      },
      {
        fault: '408 and 429, with or without `Retry-After`',
        guarantee: 'Requests are repeated. `Retry-After` is obeyed, for 5 s at most; while other downloads succeed, their rate adapts instead.',
        tests: [
          ['test/routes/store-faults.test.ts', '408 RequestTimeout'],
          ['test/routes/store-faults.test.ts', '429 TooManyRequests'],
          ['test/lib/store/s3/retry-after.test.ts', 'requests that get 408 or 429 are repeated'],
          ['test/lib/store/s3/retry-after.test.ts', 'a listing is requested again after the time that Retry-After names'],
          ['test/lib/store/s3/retry-after.test.ts', 'if all downloads fail, none starts for the time that Retry-After names, at most 5 s']
        ]
      },
      {
        fault: 'Access keys are rotated or revoked, tokens expire',
        guarantee: 'New credentials are read after a refusal, at most every 30 s, and before they expire.',
        tests: [
          ['test/lib/store/s3/s3-credentials.test.ts', 'after the keys in the credentials file have been replaced, any operation that is refused reads the new ones and succeeds'],
          ['test/lib/store/s3/s3-credentials.test.ts', 'credentials are not renewed for each request that is refused'],
          ['test/lib/store/s3/s3-credentials-expiry.test.ts', 'credentials are replaced before they expire']
        ]
      },
      {
        fault: '403 or an expired token while the service serves; a clock that is wrong by hours',
        guarantee: 'The last data is served as stale with `access_denied`, nothing is removed or published, and the message names what to set.',
        tests: [
          ['test/routes/store-faults.test.ts', '403 AccessDenied'],
          ['test/routes/store-faults.test.ts', '400 ExpiredToken'],
          ['test/routes/store-faults.test.ts', '403 RequestTimeTooSkewed']
        ]
      },
      {
        fault: 'The bucket is deleted while the service serves',
        guarantee: 'The last data is served as stale with `no_such_bucket`; nothing is removed.',
        tests: [['test/routes/store-faults.test.ts', '404 NoSuchBucket']]
      },
      {
        fault: 'The bucket is created again, empty, while the service serves the records of the deleted one',
        guarantee: 'Reads no longer return these records once a second listing agrees; the publish is held, although there is no output that it would replace.',
        tests: [['test/routes/large-loss.test.ts', 'a bucket is removed and created again, empty: the publish is held, although there is no output that it would replace']]
      },
      {
        fault: 'A redirect to another server',
        guarantee: 'It is not followed, and the last data is served as stale.',
        tests: [['test/routes/store-faults.test.ts', '307 to another server']]
      },
      {
        fault: 'The bucket is in another region',
        guarantee: 'The message names the region and the setting; the last data is served as stale.',
        tests: [['test/routes/store-faults.test.ts', '301 PermanentRedirect'], ['test/lib/store/s3/s3-credentials.test.ts', 'the message names the region of the bucket, also for requests whose responses have no body']]
      },
      {
        fault: 'The right to list without the right to read',
        guarantee: 'A start is not ready and publishes nothing; a service that is ready stays so.',
        tests: [
          ['test/routes/unread-lake.test.ts', 'with the right to list and without the right to read, a start is not ready, reports why, publishes nothing, and becomes ready by itself'],
          ['test/routes/unread-lake.test.ts', 'a service that is ready stays so, whatever can no longer be read'],
          ['test/lib/source/reconcile.test.ts', 'if half of the info files are refused, that is a failure of rights: outputs wait, and the files count as unread']
        ]
      },
      {
        fault: 'An object that can never be read (archived, forbidden, damaged)',
        guarantee: 'It is a reject `unreadable` with the code of the store; its last good record stays, and neither outputs nor the freshness of others depend on it.',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'an object that the store refuses is a reject with its last good record, does not make outputs wait, and is retried at growing intervals'],
          ['test/lib/source/reconcile.test.ts', 'outputs wait for a minute for a file that fails for a passing reason, which is then a reject'],
          ['test/lib/source/failed-read.test.ts', 'a file that the store refuses for a day is requested some 150 times, and one that fails otherwise at most once a minute']
        ]
      },
      {
        fault: 'A folder that cannot be read (folder lakes)',
        guarantee: 'The listing fails and names it, so that its records do not vanish.',
        tests: [['test/lib/store/folder/folder-store.test.ts', 'a sub-folder that cannot be read makes the listing fail and is named']]
      }
    ]
  },
  {
    title: 'Listings',
    rows: [
      {
        fault: 'A response with status 200 that is not a listing: nothing, HTML, JSON, other XML',
        guarantee: 'It is refused; the last data is served as stale, and nothing is removed.',
        tests: [['test/routes/store-faults.test.ts', '200 with an HTML page'], ['test/routes/store-faults.test.ts', '200 without a body'], ['test/lib/store/s3/s3-listing.test.ts', 'refuses responses that are not listings']]
      },
      {
        fault: 'A listing that is cut off',
        guarantee: 'The whole listing is discarded.',
        tests: [
          ['test/routes/store-faults.test.ts', 'a page that is cut'],
          ['test/lib/store/s3/s3-listing.test.ts', 'listings that are repeated, unordered or cut anywhere are refused'],
          ['test/lib/store/s3/ranged-listing.test.ts', 'a damaged page of any range fails the listing'],
          ['test/lib/store/s3/fast-path/listing-scan.test.ts', 'a damaged listing is never read as a different listing']
        ]
      },
      {
        fault: 'A continuation token that occurs twice',
        guarantee: 'The listing is refused.',
        tests: [['test/lib/store/s3/s3-listing.test.ts', 'fails if a continuation token repeats']]
      },
      {
        fault: 'Keys that are repeated or out of order, within a page or across pages',
        guarantee: 'The listing is refused.',
        tests: [
          ['test/lib/store/s3/s3-listing.test.ts', 'listings that are repeated, unordered or cut anywhere are refused'],
          ['test/lib/store/s3/s3-listing.test.ts', 'checks the order across pages']
        ]
      },
      {
        fault: 'A page with fewer keys than it announces',
        guarantee: 'The listing is refused.',
        tests: [['test/routes/store-faults.test.ts', 'half of the keys, with the KeyCount of all']]
      },
      {
        fault: 'An endless listing of empty pages',
        guarantee: 'It ends after 1,000 consecutive pages or 20 s without a key.',
        tests: [
          ['test/routes/store-faults.test.ts', 'an endless listing'],
          ['test/lib/store/s3/s3-listing.test.ts', 'an endless listing of empty pages ends'],
          ['test/lib/store/s3/s3-listing.test.ts', 'a listing ends after 20 s without a key, and after 15 minutes with keys']
        ]
      },
      {
        fault: 'An endless listing with ever new keys',
        guarantee: 'It ends after 15 minutes, or earlier, before its keys fill the memory.',
        tests: [
          ['test/lib/source/inventory.test.ts', 'an endless listing with ever new keys fails before the memory is full'],
          ['test/lib/store/s3/s3-listing.test.ts', 'a listing ends after 20 s without a key, and after 15 minutes with keys']
        ]
      },
      {
        fault: 'Objects are added and removed while they are listed',
        guarantee: 'Every key that is there all the time is listed once; the others appear with the next listing at the latest.',
        tests: [['test/lib/store/s3/ranged-listing.test.ts', 'ranges with any edges list every key once and in order, while keys are added and removed']]
      },
      {
        fault: 'Half a listing, or an empty one, which is well-formed',
        guarantee: 'It is believed only if a second one agrees; rows that vanish are kept for ten minutes and cost no downloads.',
        tests: [
          ['test/routes/large-loss.test.ts', 'a listing that was wrong once changes nothing'],
          ['test/routes/large-loss.test.ts', 'a listing that lacks many records is believed once the next one agrees'],
          ['test/routes/large-loss.test.ts', 'rows that have vanished are kept for ten minutes, so that a wrong listing costs no downloads'],
          ['test/routes/large-loss.test.ts', 'before a lake has been read once, files that could not be read count as records that a listing lacks']
        ]
      },
      {
        fault: 'Many records are deleted by mistake',
        guarantee: 'The publish is held until its Data-Version is confirmed, also after a restart.',
        tests: [
          ['test/routes/large-loss.test.ts', 'a publish that would lose many records is held until its data version is confirmed'],
          ['test/routes/large-loss.test.ts', 'one confirmation covers one data version'],
          ['test/routes/large-loss.test.ts', 'a restart while the publish is held: it is still held, with the same version to confirm']
        ]
      },
      {
        fault: 'An object is listed, and reading it is 404',
        guarantee: 'It counts as deleted only if it is not listed again; otherwise it is a reject, and its last good record stays. If it was uploaded again meanwhile, it is read at the next refresh.',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'an object that is listed and cannot be found is deleted only if it is not listed again'],
          ['test/lib/source/reconcile.test.ts', 'outputs wait for a file that is deleted, uploaded again with the same content, and deleted while it is read']
        ]
      },
      {
        fault: 'Listings and responses have different ETags',
        guarantee: 'The object is downloaded twice, and not at each refresh.',
        tests: [['test/lib/source/reconcile.test.ts', 'if listings and responses have different ETags, each file is downloaded twice, and not at each refresh']]
      },
      {
        fault: 'A server that ignores `start-after`',
        guarantee: 'It is listed completely, page by page.',
        tests: [
          ['test/lib/store/s3/s3-listing.test.ts', 'lists completely if the server ignores start-after'],
          ['test/lib/store/s3/ranged-listing.test.ts', 'a store that ignores start-after is listed sequentially from then on']
        ]
      }
    ]
  },
  {
    title: 'Objects and their content',
    rows: [
      {
        fault: 'A body that is cut at any byte',
        guarantee: 'It is never accepted; the object is requested again.',
        tests: [['test/lib/store/s3/s3-faults.test.ts', 'a body that is cut at any byte, or in which any bit is wrong, is never accepted']]
      },
      {
        fault: 'A body in which any bit is wrong',
        guarantee: 'It is never accepted if the ETag is an MD5 or there is a checksum; a file that stays damaged is a reject.',
        tests: [
          ['test/lib/store/s3/s3-faults.test.ts', 'a body that is cut at any byte, or in which any bit is wrong, is never accepted'],
          ['test/lib/store/s3/s3-faults.test.ts', 'fails if the body is wrong on every attempt']
        ]
      },
      {
        fault: 'A page of a proxy in place of an info file',
        guarantee: 'It is a failed download and not a reject; the last good record stays.',
        tests: [['test/lib/source/reconcile.test.ts', 'a response that is not the object is a failed download, not a reject']]
      },
      {
        fault: 'An info file is replaced between listing and download',
        guarantee: 'Body and ETag are always of the same response.',
        tests: [['test/lib/source/reconcile.test.ts', 'an object that changes between the listing and the download has the downloaded version']]
      },
      {
        fault: 'The store still returns the old version of an object',
        guarantee: 'It is downloaded again after each listing until the new version arrives.',
        tests: [['test/lib/source/reconcile.test.ts', 'if a store still returns the old version of an object, the new one is read after the next listing']]
      },
      {
        fault: 'The store lists an old state',
        guarantee: 'No old content is served, and a deleted record stays deleted; what the listing lacks is missing until the next listing (many records only after a second listing that lacks them).',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'if a store lists an old state, no old content is served, and what that listing lacks is missing until the next one'],
          ['test/routes/large-loss.test.ts', 'a listing that was wrong once changes nothing']
        ]
      },
      {
        fault: 'An ETag that stays the same although the object has changed',
        guarantee: 'A change of size alone is a new version; files of a folder whose timestamps cannot prove that they are unchanged are read again.',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'a change of size alone is a new version'],
          ['test/lib/source/reconcile.test.ts', 'a racy file of a folder is read again, others are not']
        ]
      },
      {
        fault: 'A malformed info file',
        guarantee: 'It is a reject with code, place and hint, affects no other file, and its last good record stays; it is downloaded once.',
        tests: [
          ['test/bad-input.test.ts', 'each malformed file has the documented outcome and does not affect the others'],
          ['test/bad-input.test.ts', 'after an invalid upload the last valid record is served, the file is downloaded once, and a valid upload replaces it']
        ]
      },
      {
        fault: 'An info file that is too large, or larger than listed',
        guarantee: 'It is not downloaded, or only up to the limit.',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'a file above the size limit is not downloaded, and a download stops at the limit if the body is longer than listed'],
          ['test/lib/store/s3/s3-faults.test.ts', 'stops at the size limit, with and without Content-Length']
        ]
      },
      {
        fault: 'A .csv.gz file that is a decompression bomb, cut off or damaged',
        guarantee: 'It is a reject; unpacking stops at the limit of an info file.',
        tests: [['test/lib/source/info-file.test.ts', 'a .csv.gz file is unpacked']]
      },
      {
        fault: 'A file that is still being written (folder lakes)',
        guarantee: 'A file that does not end with a line end is not served before it is two seconds old.',
        tests: [
          ['test/lib/source/reconcile.test.ts', 'a file of a folder that does not end with a line end is not served until it is two seconds old'],
          ['test/routes/warnings.test.ts', 'a file of a folder that may be incomplete is read as soon as it is two seconds old, however old the data may be']
        ]
      },
      {
        fault: 'A page of a proxy in place of an image',
        guarantee: 'The response is 503 `corrupt`; the page is not passed on.',
        tests: [['test/routes/image.test.ts', 'a page of a proxy is not passed on as an image']]
      },
      {
        fault: 'The store fails or stalls in the middle of an image',
        guarantee: 'The connection of the client is broken, after 10 s without a byte at the latest; the response never looks complete.',
        tests: [
          ['test/routes/image.test.ts', 'if the store fails in the middle of an image, the connection is broken'],
          ['test/routes/image.test.ts', 'a store that fails before the first byte or in the middle of images is logged when that begins and when it has ended, for each cause, without a stack'],
          ['test/lib/source/image-reader.test.ts', 'a body that stalls for 10 s fails; the time in which the reader is slow does not count']
        ]
      },
      {
        fault: 'An image is replaced while it is read',
        guarantee: 'Each response is of one version.',
        tests: [
          ['test/routes/image.test.ts', 'an image that was changed since the listing is read again'],
          ['test/lib/source/image-reader.test.ts', 'if a store ignores If-Match and returns another version of an image, the image is read again, and the response has the ETag of its body']
        ]
      },
      {
        fault: 'Links and paths that lead out of the folder (folder lakes)',
        guarantee: 'Nothing outside the root is read or written.',
        tests: [['test/lib/store/folder/folder-store.test.ts', 'never reads or writes outside its root']]
      }
    ]
  },
  {
    title: 'Writes',
    rows: [
      {
        fault: 'Several processes publish at the same time',
        guarantee: 'Exactly one write wins each time; an older view never replaces a newer one.',
        tests: [
          ['test/lab/races.test.ts', 'of 16 concurrent writers, exactly one wins in each round'],
          ['test/lib/store/check-writes.test.ts', 'of 16 writers whose responses get lost or are refused at random, one knows that it has won'],
          ['test/routes/jobs.test.ts', 'if another writer replaces the output during a job, the job lists again and does not overwrite it with older data']
        ]
      },
      {
        fault: 'The response to a write gets lost',
        guarantee: 'The service recognizes its own write and does not report a conflict.',
        tests: [['test/lib/store/s3/s3-writes.test.ts', 'recognizes its own write if the response was lost']]
      },
      {
        fault: '409 ConditionalRequestConflict',
        guarantee: 'The write is repeated.',
        tests: [['test/lib/store/s3/s3-writes.test.ts', 'repeats a conditional write if the connection or the server fails, or the server reports a conflict']]
      },
      {
        fault: 'A process that was paused writes late',
        guarantee: 'Its write is refused if the output is no longer the one that was there before its listing.',
        tests: [['test/routes/jobs.test.ts', 'an output that was written after the precondition had been read is not overwritten with older data']]
      },
      {
        fault: 'A store that ignores the conditions of writes, or checks them too early',
        guarantee: 'A check with concurrent writers finds it; log and `/readyz` report it, and the service goes on as if it were the only writer: it publishes, and shares no listings.',
        tests: [
          ['test/routes/write-check.test.ts', 'a store that ignores the conditions of writes is reported, and the service goes on as a single writer'],
          ['test/lib/store/check-writes.test.ts', 'a server that checks conditions before it locks the object is found']
        ]
      },
      {
        fault: 'The process is killed while it publishes',
        guarantee: 'The output is the old or the new one, never a torn one.',
        tests: [['test/lab/kills.test.ts', 'a process that is killed while it publishes leaves the old or the new output, and the next process serves the records of the lake']]
      },
      {
        fault: 'The output or the snapshot cannot be written',
        guarantee: 'The data is served as before; log, job and `/readyz` report it.',
        tests: [
          ['test/routes/warnings.test.ts', 'an output that cannot be written is reported by /readyz until it can'],
          ['test/routes/warnings.test.ts', 'a damaged snapshot and a snapshot that cannot be written are reported by /readyz and in the log']
        ]
      },
      {
        fault: 'A full disk (folder lakes)',
        guarantee: 'The data is served, the output stays as it was, no partial file remains, and the next job publishes.',
        tests: [['test/routes/full-disk.test.ts', 'a full disk: the data is served, the output stays as it was, no partial file remains, and the next job publishes']]
      },
      {
        fault: 'The process that holds the lock of a folder dies (folder lakes)',
        guarantee: 'Exactly one other process takes the lock. A process on another machine takes it only once it has seen the lock unchanged for 30 s.',
        tests: [
          ['test/lib/store/folder/folder-lock.test.ts', 'replaces the lock of a process that has ended or was not seen to renew it for 30 s, and no other lock'],
          ['test/lib/store/folder/folder-lock.test.ts', 'of several processes that find the lock of a dead one, exactly one acquires it']
        ]
      }
    ]
  },
  {
    title: 'This process, its state and its clock',
    rows: [
      {
        fault: 'A snapshot that is damaged, cut off, of another lake, or of a release with another format',
        guarantee: 'It is not used: the start downloads every info file, with a warning, and the data is correct.',
        tests: [
          ['test/lib/snapshot/snapshot.test.ts', 'damage to any single byte is detected'],
          ['test/lib/snapshot/snapshot.test.ts', 'a truncated file, a longer one, one of another lake and one that is not a snapshot are refused with a reason'],
          ['test/routes/snapshot.test.ts', 'a damaged snapshot is logged, all files are downloaded, and the responses are correct']
        ]
      },
      {
        fault: 'A start at which some files cannot be read',
        guarantee: 'It is ready when 99 % of the info files are read or rejected, or known from the snapshot; a listed record that is not read yet is 503, not 404.',
        tests: [['test/routes/unread-lake.test.ts', 'a start is ready when 99 % of the info files were read or rejected; the records of the others are 503, not 404']]
      },
      {
        fault: 'The wall clock jumps',
        guarantee: 'No duration changes: refreshes, time limits, pauses and ages go on as before.',
        tests: [
          ['test/wall-clock.test.ts', 'the age of data and its refresh do not depend on the wall clock'],
          ['test/wall-clock.test.ts', 'how long outputs wait for a file that cannot be read, and when it is tried again, do not depend on the wall clock'],
          ['test/lib/store/s3/s3-faults.test.ts', 'a wall clock that jumps neither ends a request early nor extends it'],
          ['test/lib/store/folder/folder-lock.test.ts', 'a lock that is renewed is never stale, and a clock that jumps makes no lock stale']
        ]
      },
      {
        fault: 'The clocks of this machine and of the store differ',
        guarantee: 'No request fails because of it, not even a conditional write.',
        tests: [['test/lib/store/s3/s3-credentials.test.ts', 'a clock that differs by an hour fails no request, not even a conditional write']]
      },
      {
        fault: 'An uncaught exception or an unhandled rejection',
        guarantee: 'It is in the log; the process closes and ends with exit code 1, so that it is started again.',
        tests: [['test/server.test.ts', 'an uncaught exception and an unhandled rejection end the server with exit code 1, and the log has the error']]
      },
      {
        fault: 'The worker thread dies',
        guarantee: 'The last data is served as stale, and the next refresh starts another worker.',
        tests: [
          ['test/lib/worker/worker-death.test.ts', 'if the worker dies during a reconcile, the last data is served as stale until the next reconcile succeeds'],
          ['test/lib/worker/worker-death.test.ts', 'if the worker dies while it publishes, the job fails, and the next job publishes']
        ]
      },
      {
        fault: 'SIGTERM under load',
        guarantee: 'Everything is served for SHUTDOWN_DELAY while `/readyz` is 503; open requests and jobs get SHUTDOWN_TIMEOUT to end.',
        tests: [
          ['test/plugins/drain.test.ts', 'for SHUTDOWN_DELAY everything is still served, on connections that close, while /readyz is 503; then the server closes'],
          ['test/server.test.ts', 'SIGTERM ends the server after SHUTDOWN_TIMEOUT, also while a job and its client wait for a store whose requests take six seconds']
        ]
      },
      {
        fault: 'A second signal',
        guarantee: 'The process ends at once.',
        tests: [['test/server.test.ts', 'during SHUTDOWN_DELAY the server goes on serving, and a second signal ends it at once']]
      },
      {
        fault: 'Bodies of the store that are not read',
        guarantee: 'They keep no connection busy, so other requests do not wait.',
        tests: [
          ['test/lib/store/s3/s3-faults.test.ts', 'unread bodies do not keep connections busy'],
          ['test/lib/store/s3/s3-faults.test.ts', 'unread streams do not delay other requests']
        ]
      },
      {
        fault: 'Memory that grows with aborted requests or with writes',
        guarantee: 'What a response holds is released when it or its connection ends. `npm run lab` measures half an hour of load.',
        tests: [
          ['test/routes/response-end.test.ts', 'clients that disconnect while the data is being refreshed leak no memory'],
          ['test/lib/store/s3/s3-writes.test.ts', 'the connection of a conditional write ends with it, because the SDK would keep the body as long as the connection']
        ]
      },
      {
        fault: 'Random histories of all of this, with one to five replicas',
        guarantee: 'Every response shows a state that the lake has had, and that is not older than `Age` and `Data-Stale` promise. No output loses many records without a confirmation. `npm run lab` checks 100,000 of them.',
        tests: [['test/simulation/simulation.test.ts', 'random histories of replicas, faults and changes have no wrong response']]
      }
    ]
  },
  {
    title: 'Replicas',
    rows: [
      {
        fault: 'The replica that lists for the others dies',
        guarantee: 'Another one takes over after 15 seconds; one that shuts down is replaced at once.',
        tests: [['test/routes/replicas.test.ts', 'if the leader dies, a follower takes over after 15 seconds; a leader that shuts down is replaced at once']]
      },
      {
        fault: 'The state object of replicas is damaged or too large',
        guarantee: 'It is a warning; each replica lists for itself, and nothing is served that the lake has not had.',
        tests: [
          ['test/lib/share/damaged-state.test.ts', 'a damaged state never makes a refresh fail or serve anything but what the lake has had, and is replaced'],
          ['test/routes/replicas.test.ts', 'a state that is damaged or too large is a warning, is not downloaded again, and is replaced after 15 seconds']
        ]
      },
      {
        fault: 'The clocks of the replicas differ',
        guarantee: 'The age of shared data is computed within the times at which it was read.',
        tests: [['test/lib/share/share-rules.test.ts', 'the time of a write is computed from the wall clocks, within the times at which the object was read']]
      }
    ]
  },
  {
    title: 'The engine (ENGINE_URL)',
    rows: [
      {
        fault: 'A node of the cluster is down at the start',
        guarantee: 'The process goes on, `/readyz` is 503 with `engine_unavailable`, and the process becomes ready by itself when the node is back.',
        tests: [['test/real/clickhouse/service.test.ts', 'a cluster that is down at the start is waited for; a shard that is down later is 503, never a part of the data']]
      },
      {
        fault: 'A shard is down while the service serves, and comes back',
        guarantee: 'Responses that need its records are 503 with `engine_unavailable`, never a part of the data; they are complete when the shard is back.',
        tests: [
          ['test/real/clickhouse/service.test.ts', 'a cluster that is down at the start is waited for; a shard that is down later is 503, never a part of the data'],
          ['test/real/clickhouse/outage.test.ts', 'a shard that is down fails every query, and never leaves out its records'],
          ['test/routes/remote-engine.test.ts', 'a failure of the engine is 503 with its code, and the response has nothing of its message']
        ]
      },
      {
        fault: 'The engine fails in the middle of a query',
        guarantee: 'Before the first record it is 503, later the connection is broken: no client takes a part for the whole.',
        tests: [
          ['test/real/clickhouse/outage.test.ts', 'a shard that goes away while its records are read breaks the stream'],
          ['test/real/clickhouse/outage.test.ts', 'an error in mid-stream is thrown after the rows that came before it'],
          ['test/lib/clickhouse/connection.test.ts', 'an exception that arrives in two packets in mid-stream is not taken for records'],
          ['test/lib/clickhouse/connection.test.ts', 'a response that ends in the middle, and one that is not from ClickHouse, are errors'],
          ['test/routes/remote-engine.test.ts', 'an engine that fails before the first record is 503, and later it breaks the connection']
        ]
      },
      {
        fault: 'The engine fails, or the process is killed, in any step of a commit',
        guarantee: 'Each version that can be read is exactly one that was committed. The next process finishes what the manifest has, and what was not committed is removed.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'whatever is interrupted, fails or comes late: each version that can be read is exactly one that was committed'],
          ['test/real/clickhouse/commits.test.ts', 'rows of a version that was not committed are removed when it can no longer be committed']
        ]
      },
      {
        fault: 'The engine receives the rows of a change twice',
        guarantee: 'Nothing is committed, and what was written is removed later.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'a change whose rows the engine has received twice is not committed'],
          ['test/real/clickhouse/commits.test.ts', 'rows of a version that was not committed are removed when it can no longer be committed']
        ]
      },
      {
        fault: 'A commit takes longer to apply than the time limit of a statement',
        guarantee: 'The statement goes on in the engine, and is waited for, up to an hour, as long as the engine responds. The change is applied once.',
        tests: [['test/real/clickhouse/commits.test.ts', 'a change that takes longer to apply than the time limit of a statement is waited for, and committed once']]
      },
      {
        fault: 'A change is applied twice in the engine, or late',
        guarantee: 'The second time nothing changes.',
        tests: [['test/real/clickhouse/commits.test.ts', 'whatever is interrupted, fails or comes late: each version that can be read is exactly one that was committed']]
      },
      {
        fault: 'Two processes commit at the same time in the same database',
        guarantee: 'One of them commits; the other one takes over its version, and goes on.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'of two processes one commits, and the other follows; a listing without a change is noted in the manifest'],
          ['test/real/clickhouse/ingest.test.ts', 'of two processes that find the same change, one commits it; the other one follows, and goes on'],
          ['test/real/clickhouse/service.test.ts', 'a restart serves at once what the cluster has, also the changes; two services share a lake and a database']
        ]
      },
      {
        fault: 'The engine has lost its tables, or the lake its manifest',
        guarantee: 'The lake is listed and loaded again; no number of a version is used twice.',
        tests: [['test/real/clickhouse/commits.test.ts', 'an engine that has lost its tables, and a lake that has lost its manifest, are loaded again']]
      },
      {
        fault: 'A version of the records is removed while it is read',
        guarantee: 'The reading fails, and returns no other records. A job that publishes it fails with `engine_timeout`, and writes nothing.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'a version cannot be read after it was forgotten, and readings that have begun fail'],
          ['test/real/clickhouse/service.test.ts', 'a page of a version that the cluster has forgotten is 410, with links to go on'],
          ['test/real/clickhouse/commits.test.ts', 'a version that is forgotten while another process is about to follow it is not taken for one that the engine has lost'],
          ['test/real/clickhouse/engine-backend.test.ts', 'an output whose data version is removed before it is published fails with `engine_timeout`, and nothing is written']
        ]
      },
      {
        fault: 'The output is too large for one request, and the store may ignore the condition of a multipart upload',
        guarantee: 'The job fails with `too_large`, and nothing is written.',
        tests: [
          ['test/real/clickhouse/engine-backend.test.ts', 'an output that is too large for one request is written in parts, unless the store may ignore the condition then'],
          ['test/lib/store/s3/s3-writes.test.ts', 'whether a store honours the conditions of writes in parts is checked on an object of its own']
        ]
      },
      {
        fault: 'The name of the cluster is wrong, or ENGINE_URL has other nodes than the cluster',
        guarantee: 'Nothing is read or written; `/readyz` is 503 with `engine_wrong_cluster`, and the message names the node or the cluster.',
        tests: [
          ['test/real/clickhouse/service.test.ts', 'a wrong cluster, password or database is reported, and the service goes on trying'],
          ['test/real/clickhouse/outage.test.ts', 'each kind of failure has a code of its own']
        ]
      },
      {
        fault: 'The password of the engine is wrong',
        guarantee: '`/readyz` is 503 with `engine_access_denied`; no response and no message has the password.',
        tests: [
          ['test/real/clickhouse/service.test.ts', 'a wrong cluster, password or database is reported, and the service goes on trying'],
          ['test/lib/clickhouse/connection.test.ts', 'a wrong password is reported as such, without the password']
        ]
      },
      {
        fault: 'The database is of another lake, schema or time zone',
        guarantee: 'Its records are not served and not changed; `/readyz` is 503 with `engine_wrong_database`, and the message names what differs.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'a database serves one lake, schema and time zone, and the manifest one database'],
          ['test/real/clickhouse/service.test.ts', 'a wrong cluster, password or database is reported, and the service goes on trying']
        ]
      },
      {
        fault: 'A schema with more columns is used, while other processes use the old one',
        guarantee: 'The whole lake is read into the same database; the processes with the old schema serve the last version with `Data-Stale: engine_wrong_database`, and cannot prevent the load or change what it has read. Once that version is removed, they and their `/readyz` respond 503 `no_data`.',
        tests: [
          ['test/real/clickhouse/commits.test.ts', 'a schema with more columns loads the lake again into the same database'],
          ['test/real/clickhouse/commits.test.ts', 'a version that a process without the new columns has committed, and not applied, is applied before the lake is loaded again'],
          ['test/real/clickhouse/service.test.ts', 'a service whose schema has one column more loads the lake into the same database, while the others serve what they have']
        ]
      },
      {
        fault: 'The tables are of another revision',
        guarantee: 'Tables and columns that are missing are added, also by several processes at the same time; tables of a later revision are refused with `engine_wrong_database`.',
        tests: [['test/real/clickhouse/traps.test.ts', 'the tables can be migrated again, by several processes, and to more columns']]
      },
      {
        fault: 'A query exceeds the limit of memory, or too many queries run',
        guarantee: 'It fails with `engine_overloaded`: 503, and no result is cut.',
        tests: [
          ['test/lib/clickhouse/connection.test.ts', 'queries and writes that the server refuses have the code of the cause'],
          ['test/real/clickhouse/outage.test.ts', 'each kind of failure has a code of its own'],
          ['test/routes/remote-engine.test.ts', 'a failure of the engine is 503 with its code, and the response has nothing of its message']
        ]
      },
      {
        fault: 'The tables are read-only',
        guarantee: 'Writes fail with `engine_read_only`. The service serves what it has, with that code in `Data-Stale` and in `/readyz`, and goes on by itself when the tables can be written again.',
        tests: [
          ['test/lib/clickhouse/connection.test.ts', 'queries and writes that the server refuses have the code of the cause'],
          ['test/real/clickhouse/service.test.ts', 'with tables that are read-only, the service serves what they have, reports it, and goes on when they can be written again']
        ]
      },
      {
        fault: 'A query takes longer than its limit',
        guarantee: 'It ends in the engine with `engine_timeout`, and no result is cut.',
        tests: [
          ['test/real/clickhouse/outage.test.ts', 'each kind of failure has a code of its own'],
          ['test/lib/clickhouse/connection.test.ts', 'each query has the settings that its result depends on, and its parameters apart from the text']
        ]
      },
      {
        fault: 'A client leaves while its query runs',
        guarantee: 'The query ends in the engine; those of other clients go on.',
        tests: [
          ['test/real/clickhouse/outage.test.ts', 'a query ends in the engine when its caller aborts it or stops reading'],
          ['test/real/clickhouse/service.test.ts', 'a client that leaves in the middle of a response ends its query in the cluster'],
          ['test/routes/remote-engine.test.ts', 'the query of a client that leaves ends, and those of the others go on']
        ]
      }
    ]
  },
  {
    title: 'Clients',
    rows: [
      {
        fault: 'More requests than the service can take',
        guarantee: 'Those that would wait for the lake get 503 with `Retry-After`; other requests and the probes are served.',
        tests: [
          ['test/routes/overload.test.ts', 'if too many requests wait for the lake, further ones that would wait get 503 with Retry-After; other requests and the probes are served'],
          ['test/routes/overload.test.ts', 'while 256 requests for images are in progress, further ones get 503 with Retry-After']
        ]
      },
      {
        fault: 'A thousand requests POST /data at the same time',
        guarantee: 'Two jobs run: the requests that arrive while one runs share the next one.',
        tests: [['test/routes/jobs.test.ts', 'a thousand concurrent POSTs run two jobs']]
      },
      {
        fault: 'Hostile ids: paths, percent-encoded bytes, similar characters, names of JavaScript',
        guarantee: 'Ids are looked up among the records and never become keys: 404 or 400, without a request to the store.',
        tests: [['test/routes/data.test.ts', 'hostile ids are looked up and never become keys: they are 404 or 400, and no object is requested']]
      },
      {
        fault: 'Clients that send slowly, stop reading, pipeline, or send malformed HTTP',
        guarantee: 'Their connections end at time limits; memory and open files are bounded.',
        tests: [
          ['test/plugins/timeouts.test.ts', 'a request that does not arrive in time gets 408, whether headers or body are missing'],
          ['test/routes/slow-reader.test.ts', 'beyond RESPONSES_MAX_BYTES new responses are 503, and responses without progress for five seconds are cut'],
          ['test/plugins/exchanges.test.ts', 'a connection is not read while its requests wait'],
          ['test/plugins/problems.test.ts', 'malformed HTTP is a problem with status 400, and headers that are too large are one with 431']
        ]
      },
      {
        fault: 'A response that takes much work',
        guarantee: 'The work is divided into pieces of 5 ms, between which other requests are served.',
        tests: [['test/lib/base/turns.test.ts', 'after 5 ms of work the next piece waits for the next turn of the event loop']]
      }
    ]
  },
  {
    title: 'Events',
    rows: [
      {
        fault: 'Events that are repeated or forged',
        guarantee: 'They have no effect except requests for the objects of the records that they name.',
        tests: [
          ['test/routes/events.test.ts', 'duplicate and forged events have no effect except requests for the objects of the records that they name'],
          ['test/routes/events.test.ts', 'events that are not about objects of the lake are ignored and counted']
        ]
      },
      {
        fault: 'A flood of events',
        guarantee: 'It becomes one listing.',
        tests: [['test/routes/events.test.ts', 'a flood of events becomes one listing']]
      },
      {
        fault: 'Events that get lost, are late or arrive in another order',
        guarantee: 'The next listing finds the changes, and a warning counts them.',
        tests: [
          ['test/routes/events.test.ts', 'changes that a listing finds without an event are counted in a warning, once their events can no longer be late'],
          ['test/lib/share/replicas.test.ts', 'with events at some of the replicas, no replica serves an older state of a record after a newer one, /changes leads to the records, and all replicas converge']
        ]
      },
      {
        fault: 'The store fails while an event is checked',
        guarantee: 'The check is left to a listing; nothing is removed.',
        tests: [
          ['test/routes/events.test.ts', 'a re-check that fails is left to a listing'],
          ['test/routes/events.test.ts', 'if the bucket is missing, events remove no record'],
          ['test/routes/events.test.ts', 'while a large loss is not confirmed, an event changes nothing and leads to the listing that decides']
        ]
      },
      {
        fault: 'A body that is not a notification',
        guarantee: 'It is an error that names what is wrong.',
        tests: [['test/routes/events.test.ts', 'a body that is not a notification is an error that names what is wrong']]
      }
    ]
  }
]
