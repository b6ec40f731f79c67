"""Messages that a stage set aside, sent back to where they came from."""

from collections import Counter

import dagster as dg
from pydantic import Field

from streaming.markdown import markdown_table
from trafficmon_dagster.resources import Trafficmon

ALL = "all"
_SHOWN = 50


class ReplayConfig(dg.Config):
    """Which dead letters."""

    letters: str = Field(
        description="`all`; or one topic such as assessment-tasks.dlq; or one letter as"
        " topic/partition/offset, as `trafficmon dlq list` names it"
    )
    dry_run: bool = Field(default=False, description="Only show what would be sent")


@dg.op
def send_back(context: dg.OpExecutionContext, config: ReplayConfig, trafficmon: Trafficmon) -> None:
    """Letters stay in their topic until its retention ends, so a replay can be repeated."""
    from streaming.kafka.dlq import letters, replay

    kafka = trafficmon.settings().kafka
    wanted = config.letters.strip()
    chosen = [letter for letter in letters(kafka) if wanted in (ALL, letter.topic, letter.place)]
    if not chosen and wanted != ALL:
        raise dg.Failure(f"no dead letter is at {wanted}; `all` finds every one there is")
    arrived = 0 if config.dry_run else replay(kafka, chosen)
    rows = [
        (f"`{one.place}`", one.reason.get("stage"), one.reason.get("failed-at"),
         one.reason.get("error", "")[:200])
        for one in chosen[:_SHOWN]
    ]  # fmt: skip
    context.add_output_metadata(
        {
            "letters": len(chosen),
            "sent_back": arrived,
            **{f"of_{topic}": n for topic, n in Counter(one.topic for one in chosen).items()},
            **(
                {"shown": dg.MetadataValue.md(
                    markdown_table(("Place", "Stage", "Failed at", "Error"), rows))}
                if rows
                else {}
            ),
        }
    )  # fmt: skip
    context.log.info("%d of %d letters sent back", arrived, len(chosen))
    if not config.dry_run and arrived < len(chosen):
        raise dg.Failure(f"{len(chosen) - arrived} of {len(chosen)} letters were not sent")


@dg.job(
    description="Sends dead letters back to the topic they came from, for instance after a bug was"
    " mended. What is still wrong comes back as a dead letter."
)
def replay_dead_letters() -> None:
    send_back()
