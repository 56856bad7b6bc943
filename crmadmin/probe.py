"""Can the server of this container do its work? Its health check: `python -m crmadmin.probe`.

Exits with 0 if /health/ready answers 200 on PORT, else with 1 and what the answer says.
"""

import http.client
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
    # As in crmadmin/settings.py, which would be imported twice a minute for this alone.
    hosts = os.environ.get("ALLOWED_HOSTS") or Path(os.environ["ALLOWED_HOSTS_FILE"]).read_text()
    host = hosts.split(",")[0].strip().lstrip(".")
    connection.request("GET", "/health/ready", headers={"Host": host})
    answer = connection.getresponse()
    sys.exit(None if answer.status == 200 else answer.read().decode())
