"""`trafficmon kafka`."""

import click

from streaming.commands.context import settings_of

MAIN_CLASSES = {
    "acls": "AclCommand",
    "broker-api-versions": "BrokerApiVersionsCommand",
    "configs": "ConfigCommand",
    "console-consumer": "consumer.ConsoleConsumer",
    "console-producer": "ConsoleProducer",
    "consumer-groups": "consumer.group.ConsumerGroupCommand",
    "delete-records": "DeleteRecordsCommand",
    "get-offsets": "GetOffsetShell",
    "groups": "GroupsCommand",
    "leader-election": "LeaderElectionCommand",
    "log-dirs": "LogDirsCommand",
    "reassign-partitions": "reassign.ReassignPartitionsCommand",
    "topics": "TopicCommand",
    "transactions": "TransactionsCommand",
}
"""By the name of the script, without `kafka-` and `.sh`."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("tool", type=click.Choice(sorted(MAIN_CLASSES)))
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def kafka(tool: str, words: tuple[str, ...]) -> None:
    """Kafka's own tools (kafka-topics.sh and so on), with nothing to install.

    They ask the broker of the settings and sign in as `kafka.security` says, unless
    --bootstrap-server or a configuration file says otherwise. Everything after the tool's name is
    the tool's own: `trafficmon kafka topics --help`.
    """
    from streaming.embedded import kafka_tools

    def say(text: str) -> None:
        click.echo(text, err=True)

    code = kafka_tools.run(settings_of(), MAIN_CLASSES[tool], words, say)
    raise click.exceptions.Exit(code)
