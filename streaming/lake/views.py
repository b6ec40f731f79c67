"""The lake's views: the questions everybody asks, answered once. Pure SQL.

A scheduler that was killed may end a task twice: both messages are in `assessments`, and
the first one counts here, through `verdicts`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A named question; `sql` names tables of the lake without a prefix."""

    name: str
    description: str
    sql: str


VERDICTS = View(
    "verdicts",
    "The assessments with each task once: its first end.",
    # Partitioned by captured_at too, so that a filter on it still prunes days.
    """
    SELECT * FROM assessments
    QUALIFY row_number() OVER (PARTITION BY task_id, captured_at ORDER BY kafka_offset) = 1
    """,
)

LATENCY = View(
    "latency",
    "One row a task that ended: where its time went, in ms. The stages add up to end_to_end_ms.",
    # captured_at is in both joins so that a filter on it prunes the partitions of all three.
    """
    WITH ended AS (
      SELECT a.task_id, a.camera_id, a.captured_at, a.assessed_at, a.status, a.model,
             date_diff('microsecond', d.captured_at, d.produced_at) / 1000.0 AS detection_ms,
             date_diff('microsecond', d.produced_at, t.created_at) / 1000.0 AS task_ms,
             a.queue_ms, a.llm_ms, a.end_to_end_ms
      FROM verdicts a
      LEFT JOIN tasks t ON t.task_id = a.task_id AND t.captured_at = a.captured_at
      LEFT JOIN detections d ON d.message_id = a.message_id AND d.captured_at = a.captured_at
    )
    SELECT *, end_to_end_ms - detection_ms - task_ms - queue_ms - llm_ms AS transport_ms
    FROM ended
    """,
)

SUCCESS_RATE = View(
    "success_rate",
    "One row an hour and camera: tasks by how they ended, and the share assessed.",
    """
    SELECT date_trunc('hour', captured_at) AS hour, camera_id,
           count(*) AS ended,
           count(*) FILTER (status = 'assessed') AS assessed,
           count(*) FILTER (status = 'expired') AS expired,
           count(*) FILTER (status = 'failed') AS failed,
           count(*) FILTER (status = 'assessed') / count(*) AS success_rate
    FROM verdicts GROUP BY ALL
    """,
)

COST = View(
    "cost",
    "One row a day, model and key: calls, tokens, and cost in provider.price_currency.",
    """
    SELECT captured_at::DATE AS day, model, key_id,
           sum(attempts) AS calls, sum(prompt_tokens) AS prompt_tokens,
           sum(completion_tokens) AS completion_tokens, sum(cost) AS cost
    FROM verdicts GROUP BY ALL
    """,
)

KEY_ACTIVITY = View(
    "key_activity",
    "One row an hour, key and model: calls, how they ended, and how long the answers took, ms.",
    # An assessment that was published twice brings its calls twice.
    """
    WITH made AS (
      SELECT DISTINCT captured_at, task_id, started_at, key_id, model, outcome, took_ms
      FROM llm_calls
    )
    SELECT date_trunc('hour', captured_at) AS hour, key_id, model, count(*) AS calls,
           count(*) FILTER (outcome = 'answered') AS answered,
           count(*) FILTER (outcome = 'throttled') AS throttled,
           count(*) FILTER (outcome NOT IN ('answered', 'throttled')) AS failed,
           quantile_cont(took_ms, 0.5) FILTER (outcome = 'answered') AS p50_ms,
           quantile_cont(took_ms, 0.95) FILTER (outcome = 'answered') AS p95_ms
    FROM made GROUP BY ALL
    """,
)

CAMERA_ACTIVITY = View(
    "camera_activity",
    "One row an hour and camera: frames, road users, groups, and verdicts by level.",
    """
    WITH seen AS (
      SELECT date_trunc('hour', captured_at) AS hour, camera_id, count(*) AS frames,
             sum(object_count) AS objects, sum(group_count) AS groups
      FROM detections GROUP BY ALL
    ), judged AS (
      SELECT date_trunc('hour', captured_at) AS hour, camera_id,
             count(*) FILTER (risk_level = 'high') AS high,
             count(*) FILTER (risk_level = 'medium') AS medium,
             count(*) FILTER (risk_level = 'low') AS low,
             count(*) FILTER (risk_level = 'none') AS none,
             count(*) FILTER (risk_level = 'unknown') AS unknown
      FROM verdicts GROUP BY ALL
    )
    SELECT seen.*, coalesce(high, 0) AS high, coalesce(medium, 0) AS medium,
           coalesce(low, 0) AS low, coalesce(none, 0) AS none, coalesce(unknown, 0) AS unknown
    FROM seen LEFT JOIN judged USING (hour, camera_id)
    """,
)

ALERTS_BY_TYPE = View(
    "alerts_by_type",
    "One row a day, camera and type of risk: verdicts of medium and high risk that name it.",
    """
    WITH named AS (
      SELECT captured_at, camera_id, risk_level, unnest(risk_types) AS risk_type
      FROM verdicts WHERE risk_level IN ('medium', 'high')
    )
    SELECT captured_at::DATE AS day, camera_id, risk_type,
           count(*) FILTER (risk_level = 'high') AS high,
           count(*) FILTER (risk_level = 'medium') AS medium,
           max(captured_at) AS last_at
    FROM named GROUP BY ALL
    """,
)

VIEWS: tuple[View, ...] = (
    VERDICTS,
    LATENCY,
    SUCCESS_RATE,
    COST,
    KEY_ACTIVITY,
    CAMERA_ACTIVITY,
    ALERTS_BY_TYPE,
)
