"""The oracle: a slow and obvious evaluator of every query, over plain lists of events.

It shares no source with the engine and follows docs/semantics.md. A query is a dict whose "kind"
says which file answers it.
"""

from comparisons import correlation_answer, experiment_answer
from entity_list import entity_list_answer
from funnel import funnel_answer
from lifecycle import lifecycle_answer
from lists import events_answer, overlap_answer, users_answer
from paths import paths_answer
from preview import preview_answer
from property_list import properties_answer, values_answer
from retention import retention_answer
from series import series_answer
from sessions import sessions_answer
from stickiness import stickiness_answer
from suggest import suggest_answer
from user_list import user_list_answer

ANSWERS = {
    "series": series_answer,
    "funnel": funnel_answer,
    "retention": retention_answer,
    "lifecycle": lifecycle_answer,
    "stickiness": stickiness_answer,
    "sessions": sessions_answer,
    "paths": paths_answer,
    "preview": preview_answer,
    "suggest": suggest_answer,
    "properties": properties_answer,
    "values": values_answer,
    "user_list": user_list_answer,
    "entity_list": entity_list_answer,
    "experiment": experiment_answer,
    "correlation": correlation_answer,
    "segment": users_answer,
    "overlap": overlap_answer,
    "events": events_answer,
}


def evaluate(query, data):
    return ANSWERS[query["kind"]](query, data)
