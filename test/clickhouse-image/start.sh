#!/bin/sh
# Starts one node of ClickHouse. CLICKHOUSE_USER and CLICKHOUSE_PASSWORD define an account, as in the image of ClickHouse; `default` can then log in only from this machine.
set -e
account() { echo "<$1><password>$2</password><networks><ip>$3</ip></networks><profile>default</profile><quota>default</quota></$1>"; }
cat >/users.xml <<XML
<clickhouse><profiles><default/></profiles><quotas><default/></quotas>
<users>$(account default '' 127.0.0.1)$(account "$CLICKHOUSE_USER" "$CLICKHOUSE_PASSWORD" ::/0)</users></clickhouse>
XML
cat >/config.xml <<XML
<clickhouse><logger><level>warning</level><log>/tmp/log</log></logger>
<user_directories><users_xml><path>/users.xml</path></users_xml></user_directories>
<remote_servers><default><shard><replica><host>localhost</host><port>9000</port></replica></shard></default></remote_servers></clickhouse>
XML
# `clickhouse local` ends after its query. So the query opens the ports, and then sleeps for a day.
exec /launcher /libchdb.so --config-file /config.xml --path /var/lib/clickhouse --http_port 8123 --tcp_port 9000 --listen_host 0.0.0.0 --query \
  'SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleepEachRow(1) FROM numbers(86400)
   SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null' </dev/null
