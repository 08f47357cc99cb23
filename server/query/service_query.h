/*
 * The calls of QueryService, one file each, and what they share.
 *
 * Ownership, Threading, Errors: as in service.h.
 */
#ifndef RC_SERVER_QUERY_SERVICE_QUERY_H
#define RC_SERVER_QUERY_SERVICE_QUERY_H

#include <recount/v1/correlation.pb-c.h>
#include <recount/v1/entity_list.pb-c.h>
#include <recount/v1/experiment.pb-c.h>
#include <recount/v1/lifecycle.pb-c.h>
#include <recount/v1/paths.pb-c.h>
#include <recount/v1/retention.pb-c.h>
#include <recount/v1/selector.pb-c.h>
#include <recount/v1/sessions.pb-c.h>
#include <recount/v1/stickiness.pb-c.h>
#include <recount/v1/user_list.pb-c.h>

#include "engine/compare/compare_cells.h"
#include "engine/query/list/entity_list.h"
#include "engine/query/list/users.h"
#include "engine/query/retention/retention.h"
#include "engine/query/usage/lifecycle.h"
#include "engine/query/usage/paths.h"
#include "engine/query/usage/sessions.h"
#include "engine/query/usage/stickiness.h"
#include "server/call/service.h"
#include "server/decode/decode.h"

/* Requests, also for cells of their replies. The question is all zero. */
RC_MUST_USE enum rc_status
rc_decode_retention(struct rc_decode *decode,
                    const Recount__V1__RetentionRequest *in,
                    int64_t now_ms,
                    struct rc_retention_request *question);

RC_MUST_USE enum rc_status
rc_decode_lifecycle(struct rc_decode *decode,
                    const Recount__V1__LifecycleRequest *in,
                    int64_t now_ms,
                    struct rc_lifecycle_request *question);

RC_MUST_USE enum rc_status
rc_decode_stickiness(struct rc_decode *decode,
                     const Recount__V1__StickinessRequest *in,
                     int64_t now_ms,
                     struct rc_stickiness_request *question);

RC_MUST_USE enum rc_status
rc_decode_sessions(struct rc_decode *decode,
                   const Recount__V1__SessionsRequest *in,
                   int64_t now_ms,
                   struct rc_sessions_request *question);

/* Selectors that the request does not name have no names yet. */
RC_MUST_USE enum rc_status
rc_decode_paths(struct rc_decode *decode,
                const Recount__V1__PathsRequest *in,
                int64_t now_ms,
                struct rc_paths_request *question);

/* An experiment with what it points to. */
struct rc_experiment_question {
    struct rc_experiment_request request;
    struct rc_funnel_request funnel;
    struct rc_value control;
};

RC_MUST_USE enum rc_status
rc_decode_experiment(struct rc_decode *decode,
                     const Recount__V1__ExperimentRequest *in,
                     int64_t now_ms,
                     struct rc_experiment_question *question);

RC_MUST_USE enum rc_status
rc_decode_correlation(struct rc_decode *decode,
                      const Recount__V1__CorrelationRequest *in,
                      int64_t now_ms,
                      struct rc_correlation_request *question);

/* What requests that list users have in common. */
struct rc_users_message {
    const Recount__V1__Scope *scope;
    const Recount__V1__Selector *selector; /* NULL: any event. */
    size_t property_count;
    char *const *properties;
};

/* The question has its place and page already, or needs none. */
RC_MUST_USE enum rc_status
rc_decode_users(struct rc_decode *decode,
                const struct rc_users_message *in,
                int64_t now_ms,
                struct rc_users_request *question);

RC_MUST_USE enum rc_status
rc_encode_user(struct rc_arena *arena,
               const struct rc_user_row *row,
               Recount__V1__UserSummary **ret_user);

/* What requests that list entities have in common. */
struct rc_entities_message {
    const Recount__V1__Scope *scope;
    const Recount__V1__Cell *cell;         /* NULL: the entities of the events that count. */
    const Recount__V1__Selector *selector; /* NULL: any event. */
    size_t property_count;
    char *const *properties;
};

RC_MUST_USE enum rc_status
rc_decode_entities(struct rc_decode *decode,
                   const struct rc_entities_message *in,
                   int64_t now_ms,
                   struct rc_entity_list_request *question);

RC_MUST_USE enum rc_status
rc_encode_entity(struct rc_arena *arena,
                 const struct rc_entity_row *row,
                 Recount__V1__EntitySummary **ret_entity);

rc_service_call rc_call_funnel;
rc_service_call rc_call_retention;
rc_service_call rc_call_series;
rc_service_call rc_call_lifecycle;
rc_service_call rc_call_stickiness;
rc_service_call rc_call_sessions;
rc_service_call rc_call_paths;
rc_service_call rc_call_experiment;
rc_service_call rc_call_correlation;
rc_service_call rc_call_list_users;
rc_service_call rc_call_list_entities;
rc_service_call rc_call_list_events;
rc_service_call rc_call_explain;
rc_service_call rc_call_preview_definition; /* Of DefinitionService, as the next. */
rc_service_call rc_call_suggest_definitions;
rc_service_call rc_call_list_properties; /* Of PropertyService, as the next. */
rc_service_call rc_call_list_property_values;

/* The method of QueryService whose request is of this descriptor. */
const struct rc_service_method *
rc_query_method_of(const ProtobufCMessageDescriptor *input);

/* The name to show for a selector: name, else the selector's label, else made from its terms. The
 * request's session has begun and the selector was decoded. */
RC_MUST_USE enum rc_status
rc_selector_label(struct rc_request *request,
                  const char *name,
                  const Recount__V1__Selector *selector,
                  char **ret_label);

#endif
