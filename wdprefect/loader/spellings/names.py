"""The names that types had in earlier generations of Kestra, and those they have today."""

from __future__ import annotations

from functools import cache

# Old package, package of today, and the names in it: as they still are, or `Old:New` where the name changed too.
_RENAMES = (
    (
        "core.models.conditions.types",
        "plugin.core.condition",
        (
            "DateTimeBetweenCondition:DateTimeBetween DayWeekCondition:DayWeek "
            "DayWeekInMonthCondition:DayWeekInMonth ExecutionFlowCondition:ExecutionFlow "
            "ExecutionLabelsCondition:ExecutionLabels ExecutionNamespaceCondition:ExecutionNamespace "
            "ExecutionOutputsCondition:ExecutionOutputs ExecutionStatusCondition:ExecutionStatus FlowCondition "
            "FlowNamespaceCondition HasRetryAttemptCondition:HasRetryAttempt MultipleCondition NotCondition:Not "
            "OrCondition:Or PublicHolidayCondition:PublicHoliday TimeBetweenCondition:TimeBetween "
            "VariableCondition:Expression WeekendCondition:Weekend"
        ),
    ),
    ("core.models.triggers.types", "plugin.core.trigger", "Flow Schedule Webhook"),
    ("core.tasks.debugs", "plugin.core.debug", "Echo Return"),
    ("core.tasks.executions", "plugin.core.execution", "Counts:Count Fail Labels"),
    (
        "core.tasks.flows",
        "plugin.core.flow",
        (
            "AllowFailure Dag EachParallel EachSequential Flow:Subflow ForEachItem If Parallel Pause Sequential "
            "Subflow Switch Template Worker:WorkingDirectory WorkingDirectory"
        ),
    ),
    ("core.tasks.log", "plugin.core.log", "Fetch Log"),
    ("core.tasks.states", "plugin.core.state", "Delete Get Set"),
    (
        "core.tasks.storages",
        "plugin.core.storage",
        (
            "Concat DeduplicateItems Delete FilterItems LocalFiles PurgeExecution:PurgeCurrentExecutionFiles "
            "Reverse Size Split"
        ),
    ),
    ("core.tasks.storages", "plugin.core.execution", "Purge:PurgeExecutions"),
    ("core.tasks.templating", "plugin.core.templating", "TemplatedTask"),
    ("core.tasks.trigger", "plugin.core.trigger", "Toggle"),
    ("plugin.ai.memory", "plugin.ai.memory", "KestraKVMemory:KestraKVStore"),
    ("plugin.ai.tool", "plugin.ai.tool", "HttpMcpClient:SseMcpClient"),
    ("plugin.astradb", "plugin.cassandra.astradb", "Query Trigger"),
    ("plugin.cassandra", "plugin.cassandra.standard", "Query Trigger"),
    (
        "plugin.core.condition",
        "plugin.core.condition",
        (
            "DateTimeBetweenCondition:DateTimeBetween DayWeekCondition:DayWeek "
            "DayWeekInMonthCondition:DayWeekInMonth ExecutionFlowCondition:ExecutionFlow "
            "ExecutionLabelsCondition:ExecutionLabels ExecutionNamespaceCondition:ExecutionNamespace "
            "ExecutionOutputsCondition:ExecutionOutputs ExecutionStatusCondition:ExecutionStatus "
            "ExpressionCondition:Expression HasRetryAttemptCondition:HasRetryAttempt NotCondition:Not "
            "OrCondition:Or PublicHolidayCondition:PublicHoliday TimeBetweenCondition:TimeBetween "
            "WeekendCondition:Weekend"
        ),
    ),
    ("plugin.core.flow", "plugin.core.flow", "WaitFor:LoopUntil"),
    ("plugin.core.storage", "plugin.core.execution", "Purge:PurgeExecutions"),
    ("plugin.core.storage", "plugin.core.storage", "PurgeExecution:PurgeCurrentExecutionFiles"),
    ("plugin.datagen", "plugin.datagen.core", "Generate RealtimeTrigger Trigger"),
    ("plugin.docker", "plugin.docker.cli", "Build Compose ImageLs Prune Pull Push Rm Run Stop Tag"),
    ("plugin.fs.http", "plugin.core.http", "Download Request Trigger"),
    ("plugin.gitlab", "plugin.gitlab.mergerequests", "MergeRequest:Create"),
    ("plugin.jdbc.vectorwise", "plugin.jdbc.actianvector", "Batch Queries Query Trigger"),
    ("plugin.kubernetes", "plugin.kubernetes.core", "PodCreate"),
    (
        "plugin.langchain4j",
        "plugin.ai.completion",
        "ChatCompletion Classification ImageGeneration JSONStructuredExtraction",
    ),
    (
        "plugin.langchain4j.completion",
        "plugin.ai.completion",
        "ChatCompletion Classification ImageGeneration JSONStructuredExtraction",
    ),
    (
        "plugin.langchain4j.embeddings",
        "plugin.ai.embeddings",
        "Chroma Elasticsearch KestraKVStore Milvus MongoDBAtlas PGVector Pinecone Qdrant Weaviate",
    ),
    ("plugin.langchain4j.memory", "plugin.ai.memory", "KestraKVMemory:KestraKVStore"),
    (
        "plugin.langchain4j.provider",
        "plugin.ai.provider",
        (
            "AmazonBedrock Anthropic AzureOpenAI DeepSeek GoogleGemini GoogleVertexAI LocalAI MistralAI Ollama "
            "OpenAI OpenRouter WorkersAI"
        ),
    ),
    ("plugin.langchain4j.rag", "plugin.ai.rag", "ChatCompletion IngestDocument Search"),
    ("plugin.langchain4j.retriever", "plugin.ai.retriever", "GoogleCustomWebSearch TavilyWebSearch"),
    (
        "plugin.langchain4j.tool",
        "plugin.ai.tool",
        "GoogleCustomWebSearch HttpMcpClient:SseMcpClient StdioMcpClient TavilyWebSearch",
    ),
    ("plugin.nats", "plugin.nats.core", "Consume Produce RealtimeTrigger Request Trigger"),
    ("plugin.notifications.discord", "plugin.discord", "DiscordExecution DiscordIncomingWebhook"),
    ("plugin.notifications.google", "plugin.googleworkspace.chat", "GoogleChatExecution GoogleChatIncomingWebhook"),
    ("plugin.notifications.mail", "plugin.email", "MailExecution MailReceivedTrigger MailSend RealTimeTrigger"),
    ("plugin.notifications.messenger", "plugin.meta.messenger", "MessengerExecution"),
    ("plugin.notifications.sendgrid", "plugin.twilio.sendgrid", "SendGridMailExecution SendGridMailSend"),
    ("plugin.notifications.sentry", "plugin.sentry", "SentryAlert SentryExecution"),
    ("plugin.notifications.slack", "plugin.slack.notifications", "SlackExecution SlackIncomingWebhook"),
    ("plugin.notifications.teams", "plugin.microsoft365.teams", "TeamsExecution TeamsIncomingWebhook"),
    ("plugin.notifications.twilio", "plugin.twilio.notify", "TwilioAlert TwilioExecution"),
    ("plugin.notifications.whatsapp", "plugin.meta.whatsapp", "WhatsAppExecution WhatsAppIncomingWebhook"),
    ("plugin.redis", "plugin.redis.string", "Delete Get Set"),
    ("plugin.redis", "plugin.redis.list", "ListPop ListPush TriggerList:Trigger"),
    ("plugin.redis", "plugin.redis.pubsub", "Publish"),
    ("plugin.segment.reverseetl", "plugin.twilio.segment.reverseetl", "Status"),
    ("plugin.serdes.avro", "plugin.serdes.avro", "AvroReader:AvroToIon AvroWriter:IonToAvro"),
    ("plugin.serdes.csv", "plugin.serdes.csv", "CsvReader:CsvToIon CsvWriter:IonToCsv"),
    ("plugin.serdes.json", "plugin.serdes.json", "JsonReader:JsonToIon JsonWriter:IonToJson"),
    ("plugin.serdes.parquet", "plugin.serdes.parquet", "ParquetReader:ParquetToIon ParquetWriter:IonToParquet"),
    ("plugin.serdes.xml", "plugin.serdes.xml", "XmlReader:XmlToIon XmlWriter:IonToXml"),
    ("plugin.slack", "plugin.slack.notifications", "SlackExecution SlackIncomingWebhook"),
)
_ROOT = "io.kestra."
# No type of today lies in a package that starts so: its name can stand for all types that moved out of it.
_LEFT = ("core.", "plugin.fs.http")


def canonical_type(name: str) -> str:
    """The name that a type has today; a name that is none of the old ones is returned as it is."""
    known = aliases()
    while name in known:
        name = known[name]
    return name


def canonical_prefix(name: str) -> str:
    """As `canonical_type`, also for the name of a package, with or without a dot at its end."""
    package = name.rstrip(".")
    moved = _packages().get(package)
    return canonical_type(name) if moved is None else f"{moved}{name[len(package) :]}"


@cache
def aliases() -> dict[str, str]:
    """Each old name of a type, with the name that took its place."""
    found = {}
    for old, new, names in _RENAMES:
        for name in names.split():
            before, _, after = name.partition(":")
            found[f"{_ROOT}{old}.{before}"] = f"{_ROOT}{new}.{after or before}"
    return found


@cache
def _packages() -> dict[str, str]:
    # Most types of a package moved to where the first ones went.
    return {f"{_ROOT}{old}": f"{_ROOT}{new}" for old, new, _ in reversed(_RENAMES) if old.startswith(_LEFT)}
