"""Whether anything of ours still runs, here or on another machine."""

from streaming import supervision
from streaming.embedded import ports
from streaming.errors import KafkaUnreachable, ServiceError
from streaming.kafka.connection import wait_for_broker
from streaming.kafka.groups import members
from streaming.settings import Settings

_LOOK_S = 2.0


def require_stopped(settings: Settings) -> None:
    """Daemons that `up` started, others in the consumer groups, the API and Dagster.

    Raises:
        ServiceError: one of them runs; the message says which.
    """
    running = [s.name for s in supervision.status(settings) if s.pid]
    serving = settings.serving
    named = {"the API": serving.api.port, "Dagster": serving.dagster.port}
    running += [what for what, port in named.items() if ports.is_listening(port)]
    try:
        wait_for_broker(settings.kafka, _LOOK_S)
        running += [group for group, count in members(settings.kafka).items() if count]
    except KafkaUnreachable:
        pass  # where no broker is, no daemon works
    if running:
        raise ServiceError(
            f"still running: {', '.join(dict.fromkeys(running))}; stop everything first "
            "(`trafficmon down`, `systemctl stop trafficmon.target`; the broker forgets a daemon "
            "10 s after its end)"
        )
