#!/bin/sh
# Archives to another place, every night: /etc/cron.daily/rt-data-backup (mode 755), after `apt install rclone` and `rclone config`.
# The better way is the built-in one, [upload] in rt-data.toml: it checks what has arrived. This is for what is no S3 store (SFTP,
# Drive, another disk). Only what is new or has changed is sent; nothing is deleted there.
set -eu
from={{archive_dir}}
to=${BACKUP_TO:-backup:rt-data}
exec rclone copy --checksum --transfers 2 --bwlimit 4M --config /root/.config/rclone/rclone.conf "$from" "$to"
