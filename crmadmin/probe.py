"""Is the server of this container up and able to work? `python -m crmadmin.probe`, for a health check.

Exits with 0 if /health/ready answers 200 on port 8000, with 1 and its words if not.
"""

import http.client
import os
import sys

if __name__ == "__main__":
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    connection.request("GET", "/health/ready", headers={"Host": host})
    answer = connection.getresponse()
    sys.exit(None if answer.status == 200 else answer.read().decode())
