"""The application server's settings: `gunicorn --config python:crmadmin.server` (`make run`)."""

worker_class = "crmadmin.worker.Worker"
workers = 2  # one may start anew while the other serves
threads = 64  # nearly all of a request is waiting for Club Med
# Seconds that a worker goes on with its requests when it is told to stop or to reload: more than
# CLUBMED_DEADLINE, so that a call under way is answered and recorded.
graceful_timeout = 30
# Seconds that an idle connection stays open: longer than a proxy in front (nginx: 60) uses it.
keepalive = 75
# Who the caller is, and by which scheme, is decided by TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
control_socket_disable = True  # it would stand in the home directory
# There is no access log: its addresses hold customer numbers. crmadmin.middleware logs failures.
