# SPDX-License-Identifier: MIT
# Reads a host from the shared tier of a fleet without p0f-lookupd: prints a line for each sensor that knows it, the
# newest last. Needs python3-redis.
#
#     python3 read-host.py redis://reader:PASSWORD@store.example:6379 192.0.2.7
import json
import sys

import redis

server, ip = sys.argv[1:]
hosts = [json.loads(value) for value in redis.Redis.from_url(server).hvals(f"p0f:{ip}")]
for host in sorted(hosts, key=lambda host: host["last_seen"]):
    print(host["sensor"], host["last_seen"], host["os_name"], host["os_flavor"])
