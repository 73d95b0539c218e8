"""The views, one SQL text each. Their names and columns are a contract: docs/data-out.md lists every one.

Columns are only ever added. No moment is called `at`, because DuckDB keeps that word for itself. Personal fields stand
nowhere: a view is made of what the record holds beside its `personal` ciphertext.
"""

from __future__ import annotations

#: columns of the Parquet files that the views need; `document` is the whole record
LOG = """
SELECT leaf, kind, id, "at" AS moment, application, revision, entity, event_time, decided_by, status, model, version,
       elapsed_us, rules, decision, name, decode(record)::JSON AS document
FROM {source}
WHERE {where}
"""

DECISIONS = """
SELECT id AS decision_id, moment AS made_at, application, revision, entity, event_time, status, decided_by,
       document->'answer' AS answer, document->'request' AS request, model, version,
       served->'output' AS output, served->>'failure' AS failure,
       coalesce(document->>'verdicts', '') AS verdicts, elapsed_us, coalesce(document->>'actor', '') AS actor
FROM (SELECT *, list_filter(json_extract(document, '$.predictions[*]'), lambda one: one->>'role' = 'served')[1] AS served
      FROM log WHERE kind = 'decision')
"""

RULES_FIRED = """
SELECT id AS decision_id, moment AS made_at, application, revision, position, rule
FROM (SELECT id, moment, application, revision, generate_subscripts(rules, 1) AS position, unnest(rules) AS rule
      FROM (SELECT *, from_json(document->'rules', '["VARCHAR"]') AS rules FROM log WHERE kind = 'decision'))
"""

REASONS = """
SELECT id AS decision_id, moment AS made_at, application, revision, position,
       one->>'code' AS code, one->>'text' AS text, one->>'source' AS source
FROM (SELECT id, moment, application, revision, generate_subscripts(reasons, 1) AS position, unnest(reasons) AS one
      FROM (SELECT *, document->'$.reasons[*]' AS reasons FROM log WHERE kind = 'decision'))
"""

FEATURES_USED = """
SELECT reads.id AS decision_id, reads.moment AS made_at, reads.application, reads.revision,
       reads.read->>'view' AS view, reads.read->>'key' AS key, pair.key AS feature, pair.value AS value,
       make_timestamp((reads.read->>'known_at')::BIGINT) AS known_at,
       coalesce(list_contains(from_json(reads.read->'defaulted', '["VARCHAR"]'), pair.key), false) AS defaulted
FROM (SELECT id, moment, application, revision, unnest(document->'$.features[*]') AS read
      FROM log WHERE kind = 'decision') AS reads, json_each(reads.read->'values') AS pair
"""

RESOLUTIONS = """
SELECT id AS resolution_id, decision AS decision_id, application, moment AS resolved_at, document->>'who' AS who,
       document->'before' AS before, document->'after' AS after, document->>'code' AS code,
       coalesce(document->>'note', '') AS note, coalesce((document->>'pending')::BOOLEAN, false) AS pending,
       coalesce(document->>'confirms', '') AS confirms
FROM log WHERE kind = 'resolution'
"""

OUTCOMES = """
SELECT id AS outcome_id, decision AS decision_id, application, moment AS told_at,
       make_timestamp((document->>'observed_at')::BIGINT) AS observed_at, name, document->'value' AS value,
       coalesce(document->>'actor', '') AS actor
FROM log WHERE kind = 'outcome'
"""

ALERTS = """
SELECT alert_id, model, version, kind, column_name, state, make_timestamp(opened_at) AS opened_at, first_day, last_day,
       windows, evidence::JSON AS evidence, acknowledged_by, make_timestamp(acknowledged_at) AS acknowledged_at, note,
       make_timestamp(resolved_at) AS resolved_at
FROM every_alert
"""

#: every view made of the log, by name
OF_LOG: dict[str, str] = {
    "decisions": DECISIONS,
    "rules_fired": RULES_FIRED,
    "reasons": REASONS,
    "features_used": FEATURES_USED,
    "resolutions": RESOLUTIONS,
    "outcomes": OUTCOMES,
}
VIEWS: dict[str, str] = {**OF_LOG, "alerts": ALERTS}
