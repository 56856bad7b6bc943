"""Can the server of this container do its work? Its health check: `python -m crmadmin.probe`.

Exits with 0 if /health/ready answers 200 on PORT, else with 1 and what the answer says.
"""

import http.client
import os
import sys

if __name__ == "__main__":
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
    host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    connection.request("GET", "/health/ready", headers={"Host": host})
    answer = connection.getresponse()
    sys.exit(None if answer.status == 200 else answer.read().decode())
