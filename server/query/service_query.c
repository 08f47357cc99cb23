/* Queries: the table of calls, and names for selectors. */
#include "server/query/service_query.h"

#include <recount/v1/correlation.pb-c.h>
#include <recount/v1/entity_list.pb-c.h>
#include <recount/v1/event_list.pb-c.h>
#include <recount/v1/experiment.pb-c.h>
#include <recount/v1/explain.pb-c.h>
#include <recount/v1/funnel.pb-c.h>
#include <recount/v1/lifecycle.pb-c.h>
#include <recount/v1/paths.pb-c.h>
#include <recount/v1/retention.pb-c.h>
#include <recount/v1/series.pb-c.h>
#include <recount/v1/sessions.pb-c.h>
#include <recount/v1/stickiness.pb-c.h>
#include <recount/v1/user_list.pb-c.h>
#include <string.h>

#include "engine/base/assert.h"
#include "server/encode/encode.h"

/* Labels of selectors with many terms end here. */
#define LABEL_TERMS_MAX 4u
#define LABEL_BYTES 512u

/* The display name of a definition, or its id. */
static struct rc_bytes
definition_label(struct rc_request *request, const char *name)
{
    const char *slash = strrchr(name, '/');
    const struct rc_bytes id = rc_bytes_of(slash == NULL ? name : slash + 1);
    const struct rc_catalog *catalog = rc_query_session_context(request->session)->definitions;
    struct rc_catalog_entry entry;
    return rc_catalog_find(catalog, id, &entry) && entry.display_name.size > 0 ? entry.display_name
                                                                               : id;
}

static struct rc_bytes
term_label(struct rc_request *request, const Recount__V1__SelectorTerm *term)
{
    switch (term->kind_case) {
    case RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT:
        return RC_BYTES_LITERAL("any event");
    case RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION:
        return definition_label(request, term->definition);
    default:
        return RC_BYTES_LITERAL("predicate");
    }
}

enum rc_status
rc_selector_label(struct rc_request *request,
                  const char *name,
                  const Recount__V1__Selector *selector,
                  char **ret_label)
{
    if (name[0] == '\0')
        name = selector->label;
    if (name[0] != '\0') {
        RC_NEW_TEXT(request->arena, *ret_label, rc_bytes_of(name));
        return RC_OK;
    }
    char text[LABEL_BYTES];
    size_t size = 0;
    for (size_t i = 0; i < selector->n_terms && i <= LABEL_TERMS_MAX; i++) {
        const struct rc_bytes term = i == LABEL_TERMS_MAX ? RC_BYTES_LITERAL("...")
                                                          : term_label(request, selector->terms[i]);
        const char *separator = i == 0 ? "" : " or ";
        if (size + strlen(separator) + term.size > sizeof(text))
            break;
        memcpy(text + size, separator, strlen(separator));
        size += strlen(separator);
        memcpy(text + size, term.data, term.size);
        size += term.size;
    }
    RC_NEW_TEXT(request->arena, *ret_label, ((struct rc_bytes){text, size}));
    return RC_OK;
}

#define METHOD(name, snake)                                                                 \
    {                                                                                       \
        "/recount.v1.QueryService/" name, &recount__v1__##snake##_request__descriptor,      \
            &recount__v1__##snake##_response__descriptor, rc_call_##snake, RC_SERVICE_QUERY \
    }

/* One a line, so that a new call is a new line. */
/* clang-format off */
static const struct rc_service_method methods[] = {
    METHOD("Funnel", funnel),
    METHOD("Retention", retention),
    METHOD("Series", series),
    METHOD("Lifecycle", lifecycle),
    METHOD("Stickiness", stickiness),
    METHOD("Sessions", sessions),
    METHOD("Paths", paths),
    METHOD("Experiment", experiment),
    METHOD("Correlation", correlation),
    METHOD("ListUsers", list_users),
    METHOD("ListEntities", list_entities),
    METHOD("ListEvents", list_events),
    METHOD("Explain", explain),
};
/* clang-format on */

const struct rc_service rc_service_query = {methods, sizeof(methods) / sizeof(methods[0])};

const struct rc_service_method *
rc_query_method_of(const ProtobufCMessageDescriptor *input)
{
    for (size_t i = 0; i < rc_service_query.method_count; i++)
        if (methods[i].input == input)
            return &methods[i];
    RC_ASSERT(false);
    return NULL;
}
