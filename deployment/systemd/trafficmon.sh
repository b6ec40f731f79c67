#!/bin/sh
# The trafficmon command with the services' settings, as their user: `sudo trafficmon migrate`.
if [ "$(id -u)" != 0 ]; then
  echo "trafficmon: only root may become the services' user: sudo trafficmon $*" >&2
  exit 1
fi
set -a
[ ! -r /etc/trafficmon/secrets.env ] || . /etc/trafficmon/secrets.env
TRAFFICMON_CONFIG_DIR=/etc/trafficmon
TRAFFICMON_STATE_DIR=/var/lib/trafficmon
TRAFFICMON_LOGS_DIR=/var/log/trafficmon
TRAFFICMON_REPORTS_DIR=/var/lib/trafficmon/reports
HOME=/var/cache/trafficmon
umask 077
# These two read and write what belongs to root: the secrets, and the folder of the settings.
case ${1:-} in backup | restore) exec /opt/trafficmon/bin/trafficmon "$@" ;; esac
exec runuser -u trafficmon -- /opt/trafficmon/bin/trafficmon "$@"
