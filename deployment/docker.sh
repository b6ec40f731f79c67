#!/bin/sh
# `make docker-up` and `make docker-down`: both Compose files, in their order.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "$1" >&2; exit 1; }

if docker compose version >/dev/null 2>&1; then compose="docker compose"
elif docker-compose version >/dev/null 2>&1; then compose="docker-compose"
elif command -v docker >/dev/null; then
  fail "Docker is here and Compose is not: install its plugin (docker-compose-plugin), 2.24 or newer"
else
  fail "Docker is not installed: install Docker Engine with its Compose plugin, or use \`make demo\`, which needs neither"
fi
infra="$compose -f deployment/docker-compose.infra.yml"
streaming="$compose -f deployment/docker-compose.streaming.yml"

[ -f deployment/.env ] ||
  fail "No deployment/.env: \`cp deployment/.env.example deployment/.env\` and set TRAFFICMON_SERVING__TOKEN in it"
$streaming config --quiet
docker info >/dev/null 2>&1 ||
  fail "Docker's engine does not answer: start it (\`systemctl start docker\`), or join its group"

case "${1:-}" in
  up)
    $infra up --detach --wait
    $streaming up --detach --build --wait
    echo "Wall http://localhost:5000, Dagster http://localhost:3001, Grafana http://localhost:3000, Prometheus http://localhost:9090"
    ;;
  # The cameras and what is under way first: the schedulers drain. Data stays in the volumes.
  down)
    $streaming down
    $infra down
    ;;
  *) fail "usage: $0 up|down" ;;
esac
