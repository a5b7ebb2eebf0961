"""An S3 server that has one bucket of many keys and can list it: what it answers is made before it is asked.

`python -m benchmarks.canned_listing KEYS` prints its port and serves until its standard input ends. Pages have 1,000
keys as Amazon's have, and the owner where that is asked for. Nothing is waited for: a real server takes longer, on
either side of a comparison.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
OWNER = "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"


def main() -> None:
    """Serve."""
    keys = int(sys.argv[1])
    pages = {owner: [_page(number, keys, owner) for number in range(-(-keys // PAGE))] for owner in ("", OWNER)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of an answer are two packets, of which the second would wait for the client.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            if "versioning" in asked:
                body = f"<VersioningConfiguration {NAMESPACE}/>".encode()
            else:
                owner = OWNER if asked.get("fetch-owner") == ["true"] else ""
                body = pages[owner][int(asked.get("continuation-token", ["0"])[0])]
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def _page(number: int, keys: int, owner: str) -> bytes:
    first, last = number * PAGE, min((number + 1) * PAGE, keys)
    entries = "".join(_entry(key, owner) for key in range(first, last))
    more = f"<NextContinuationToken>{number + 1}</NextContinuationToken>" if last < keys else ""
    head = f"<Name>bucket</Name><Prefix/><KeyCount>{last - first}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
    truncated = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}"
    return f"<ListBucketResult {NAMESPACE}>{head}{truncated}{entries}</ListBucketResult>".encode()


def _entry(number: int, owner: str) -> str:
    return (
        f"<Contents><Key>raw/{number // 1000:04}/object-{number:08}.csv</Key>"
        f"<LastModified>2026-11-28T10:{number // 60 % 60:02}:{number % 60:02}.000Z</LastModified>"
        f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{number}</Size>{owner}"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


if __name__ == "__main__":
    main()
