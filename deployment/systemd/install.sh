#!/bin/sh
# Units, user, folders and the command of an installation in PREFIX (`make install`).
# DESTDIR, for packages and tests, is put before every path, and nothing is started there.
set -eu
prefix=${PREFIX:-/opt/trafficmon} root=${DESTDIR:-}
here=$(cd "$(dirname "$0")" && pwd)
case $prefix in /*) ;; *) echo "PREFIX must be an absolute path, not $prefix" >&2; exit 2 ;; esac

units=$root/etc/systemd/system
install -d "$units" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d" "$root/usr/local/bin"
for file in "$here"/*.service "$here"/*.target "$here"/trafficmon-common.conf; do
  sed "s#/opt/trafficmon/#$prefix/#g" "$file" > "$units/$(basename "$file")"
done
for folder in "$here"/*.d; do
  cp -RP "$folder" "$units/"
done
install -m 644 "$here/sysusers.conf" "$root/usr/lib/sysusers.d/trafficmon.conf"
install -m 644 "$here/tmpfiles.conf" "$root/usr/lib/tmpfiles.d/trafficmon.conf"
sed "s#/opt/trafficmon/#$prefix/#g" "$here/trafficmon.sh" > "$root/usr/local/bin/trafficmon"
chmod 755 "$root/usr/local/bin/trafficmon"

# Settings that are there stay as they are.
install -d -m 750 "$root/etc/trafficmon"
for file in "$here"/../../config/*.yaml; do
  target=$root/etc/trafficmon/$(basename "$file")
  [ -e "$target" ] || install -m 640 "$file" "$target"
done
secrets=$root/etc/trafficmon/secrets.env
[ -e "$secrets" ] || install -m 600 "$here/secrets.env" "$secrets"

if [ -z "$root" ]; then
  systemd-sysusers trafficmon.conf
  systemd-tmpfiles --create trafficmon.conf
  systemctl daemon-reload
  echo "Installed. Edit /etc/trafficmon, then: systemctl enable --now trafficmon.target"
fi
