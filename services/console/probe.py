"""Asks the console in the same container whether it answers: `python -m services.console.probe HOST:PORT`.

Exit code 0 if it does. For its health check. A certificate of its own names the address that people type and not this
one, so it is not looked at: nothing leaves the container, and nothing is told.
"""

from __future__ import annotations

import os
import ssl
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection

PATIENCE_SECONDS = 2.0


def main() -> None:
    """Asks once."""
    connection = _connection(sys.argv[1])
    try:
        connection.request("GET", "/alive")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.exit(f"no answer: {error}")
    finally:
        connection.close()
    sys.exit(0 if status == HTTPStatus.OK else f"the answer is {status}")


def _connection(address: str) -> HTTPConnection:
    if not os.environ.get("MYOPLAN_TLS_CERTIFICATE"):
        return HTTPConnection(address, timeout=PATIENCE_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(address, timeout=PATIENCE_SECONDS, context=context)


if __name__ == "__main__":
    main()
