/*
 * Cells. The place of a handle's token is
 *   kind u8 with the bit FILLED, labels u64,
 *   as_of_ms u64, week_start u8, time_zone (varint size, bytes),
 *   the packed request
 * Handles that earlier versions gave have no such bit, nothing in the second line, and a request
 * with these in its scope. A request as it was received is not packed anew for its handle.
 *
 * A request in a handle may name cells itself, by handles that it holds; each is smaller than what
 * holds it, and so many deep are followed.
 */
#include "server/query/cells.h"

#include <recount/v1/lifecycle.pb-c.h>
#include <recount/v1/paths.pb-c.h>
#include <recount/v1/retention.pb-c.h>
#include <recount/v1/scope.pb-c.h>
#include <recount/v1/series.pb-c.h>
#include <recount/v1/sessions.pb-c.h>
#include <recount/v1/stickiness.pb-c.h>
#include <string.h>

#include "engine/base/limits.h"
#include "server/decode/decode_funnel.h"
#include "server/decode/decode_series.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

#define BINDING 0x63656c6c2d303031ULL /* Of another list no token is a handle. */
#define REQUEST_BYTES_MAX ((size_t)48 << 10)
#define FILLED 0x80u

/* ---- Handles --------------------------------------------------------------------------------- */

enum rc_status
rc_cell_handle(struct rc_request *request,
               enum rc_chart_cell_kind kind,
               const ProtobufCMessage *in,
               const struct rc_scope *scope,
               uint64_t labels,
               char **ret_handle)
{
    struct rc_arena *arena = request->arena;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    const struct rc_bytes packed =
        in == request->message ? request->packed : rc_message_pack(in, arena);
    if (packed.data == NULL)
        return RC_NO_MEMORY;
    if (packed.size > REQUEST_BYTES_MAX)
        return RC_OK;
    rc_write_u8(&writer, (uint8_t)(kind | FILLED));
    rc_write_u64(&writer, labels);
    rc_write_u64(&writer, (uint64_t)scope->as_of_ms);
    rc_write_u8(&writer, (uint8_t)scope->week_start);
    rc_write_bytes(&writer, scope->zone.size > 0 ? scope->zone : RC_BYTES_LITERAL("UTC"));
    rc_write_raw(&writer, packed.data, packed.size);
    if (writer.failed)
        return RC_NO_MEMORY;
    char *token =
        rc_token_write(arena, BINDING, (struct rc_bytes){(const char *)writer.data, writer.size});
    if (token == NULL)
        return RC_NO_MEMORY;
    *ret_handle = token;
    return RC_OK;
}

/* What stood for what a request did not say. */
struct filling {
    bool is_there; /* Not in handles of earlier versions, whose requests say it. */
    int64_t as_of_ms;
    uint8_t week_start;
    struct rc_bytes zone;
};

static struct filling
read_filling(struct rc_reader *reader)
{
    struct filling filling = {.is_there = true};
    filling.as_of_ms = (int64_t)rc_read_u64(reader);
    filling.week_start = rc_read_u8(reader);
    filling.zone = rc_read_bytes(reader);
    if (filling.week_start > 6)
        reader->bad = true;
    return filling;
}

/* The scope of a request, which an experiment has in its subject. NULL: there is none. */
static Recount__V1__Scope *
scope_of(ProtobufCMessage *message)
{
    if (message->descriptor == &recount__v1__experiment_request__descriptor) {
        const Recount__V1__ExperimentRequest *experiment =
            (const Recount__V1__ExperimentRequest *)message;
        message = (ProtobufCMessage *)experiment->funnel; /* One place for both. */
        if (message == NULL)
            return NULL;
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "scope");
    return *(Recount__V1__Scope **)(void *)((char *)message + field->offset);
}

static enum rc_status
fill(struct rc_decode *decode, const struct filling *filling, ProtobufCMessage *message)
{
    Recount__V1__Scope *scope = scope_of(message);
    if (!filling->is_there || scope == NULL)
        return RC_OK;
    scope->optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
    scope->as_of_ms = filling->as_of_ms;
    scope->week_start = (Recount__V1__Weekday)(filling->week_start + 1);
    scope->time_zone = rc_arena_string(decode->arena, filling->zone.data, filling->zone.size);
    scope->hints = NULL; /* How a question was run is not what it asked. */
    return scope->time_zone == NULL ? rc_decode_no_memory(decode) : RC_OK;
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static enum rc_status
refuse(struct rc_decode *decode)
{
    return rc_decode_fail(decode, RC_INVALID, "handle", "the handle is none of a reply");
}

struct question {
    struct rc_series_request series;
    struct rc_funnel_request funnel;
    struct rc_retention_request retention;
    struct rc_lifecycle_request lifecycle;
    struct rc_stickiness_request stickiness;
    struct rc_paths_request paths;
    struct rc_sessions_request sessions;
    struct rc_experiment_question experiment;
    struct rc_correlation_request correlation;
};

/* Decodes a request as its call would. */
static enum rc_status
decode_request(struct rc_decode *decode,
               const ProtobufCMessage *in,
               struct question *question,
               struct rc_chart_cell *cell,
               struct rc_scope **ret_scope)
{
    switch (cell->kind) {
    case RC_CHART_SERIES:
        cell->series = &question->series;
        *ret_scope = &question->series.scope;
        return rc_decode_series(decode, (const Recount__V1__SeriesRequest *)in, 0,
                                &question->series);
    case RC_CHART_FUNNEL:
        cell->funnel = &question->funnel;
        *ret_scope = &question->funnel.scope;
        return rc_decode_funnel(decode, (const Recount__V1__FunnelRequest *)in, 0,
                                &question->funnel);
    case RC_CHART_RETENTION:
        cell->retention = &question->retention;
        *ret_scope = &question->retention.scope;
        return rc_decode_retention(decode, (const Recount__V1__RetentionRequest *)in, 0,
                                   &question->retention);
    case RC_CHART_LIFECYCLE:
        cell->lifecycle = &question->lifecycle;
        *ret_scope = &question->lifecycle.scope;
        return rc_decode_lifecycle(decode, (const Recount__V1__LifecycleRequest *)in, 0,
                                   &question->lifecycle);
    case RC_CHART_STICKINESS:
        cell->stickiness = &question->stickiness;
        *ret_scope = &question->stickiness.scope;
        return rc_decode_stickiness(decode, (const Recount__V1__StickinessRequest *)in, 0,
                                    &question->stickiness);
    case RC_CHART_PATHS:
        cell->paths = &question->paths;
        *ret_scope = &question->paths.scope;
        return rc_decode_paths(decode, (const Recount__V1__PathsRequest *)in, 0, &question->paths);
    case RC_CHART_SESSIONS:
        cell->sessions = &question->sessions;
        *ret_scope = &question->sessions.scope;
        return rc_decode_sessions(decode, (const Recount__V1__SessionsRequest *)in, 0,
                                  &question->sessions);
    case RC_CHART_EXPERIMENT:
        cell->experiment = &question->experiment.request;
        cell->ask = rc_experiment_persons;
        *ret_scope = &question->experiment.request.scope;
        return rc_decode_experiment(decode, (const Recount__V1__ExperimentRequest *)in, 0,
                                    &question->experiment);
    case RC_CHART_CORRELATION:
        cell->correlation = &question->correlation;
        cell->ask = rc_correlation_persons;
        *ret_scope = &question->correlation.scope;
        return rc_decode_correlation(decode, (const Recount__V1__CorrelationRequest *)in, 0,
                                     &question->correlation);
    default:
        return refuse(decode);
    }
}

const ProtobufCMessageDescriptor *
rc_cell_question(uint32_t kind)
{
    static const ProtobufCMessageDescriptor *const descriptors[] = {
        [RC_CHART_SERIES] = &recount__v1__series_request__descriptor,
        [RC_CHART_FUNNEL] = &recount__v1__funnel_request__descriptor,
        [RC_CHART_RETENTION] = &recount__v1__retention_request__descriptor,
        [RC_CHART_LIFECYCLE] = &recount__v1__lifecycle_request__descriptor,
        [RC_CHART_STICKINESS] = &recount__v1__stickiness_request__descriptor,
        [RC_CHART_PATHS] = &recount__v1__paths_request__descriptor,
        [RC_CHART_SESSIONS] = &recount__v1__sessions_request__descriptor,
        [RC_CHART_EXPERIMENT] = &recount__v1__experiment_request__descriptor,
        [RC_CHART_CORRELATION] = &recount__v1__correlation_request__descriptor,
    };
    return kind < sizeof(descriptors) / sizeof(descriptors[0]) ? descriptors[kind] : NULL;
}

static enum rc_status
decode_question(struct rc_decode *decode,
                struct rc_bytes packed,
                const struct filling *filling,
                struct rc_chart_cell *cell,
                struct rc_scope **ret_scope)
{
    ProtobufCMessage *in;
    struct question *question = rc_arena_zero(decode->arena, sizeof(*question));
    if (question == NULL)
        return rc_decode_no_memory(decode);
    const ProtobufCMessageDescriptor *form = rc_cell_question((uint32_t)cell->kind);
    if (form == NULL || rc_decode_message(form, packed, decode->arena, &in, NULL) != RC_OK)
        return refuse(decode);
    RC_TRY(fill(decode, filling, in));
    if (decode->stores)
        RC_TRY(rc_cell_note_properties(decode, in));
    return decode_request(decode, in, question, cell, ret_scope);
}

_Static_assert((int)RECOUNT__V1__LIFECYCLE_STATE__LIFECYCLE_STATE_NEW == (int)RC_LIFECYCLE_NEW &&
                   (int)RECOUNT__V1__LIFECYCLE_STATE__LIFECYCLE_STATE_DORMANT ==
                       (int)RC_LIFECYCLE_DORMANT,
               "states have the same numbers");

_Static_assert((int)RECOUNT__V1__COMPARED_USERS__COMPARED_USERS_CONVERTED ==
                       (int)RC_COMPARED_CONVERTED &&
                   (int)RECOUNT__V1__COMPARED_USERS__COMPARED_USERS_OTHERS ==
                       (int)RC_COMPARED_OTHERS,
               "compared users have the same numbers");

static enum rc_status
decode_handle(struct rc_decode *decode,
              const char *handle,
              struct rc_bytes entity,
              struct rc_chart_cell *cell)
{
    const struct rc_bytes project = decode->project;
    struct rc_scope *scope = NULL;
    struct rc_bytes place;
    if (rc_token_read(decode->arena, BINDING, handle, &place, NULL) != RC_OK || place.size == 0)
        return refuse(decode);
    struct rc_reader reader = rc_reader_of(place.data, place.size);
    struct filling filling = {.is_there = false};
    const uint8_t kind = rc_read_u8(&reader);
    cell->kind = (enum rc_chart_cell_kind)(kind & ~FILLED);
    cell->labels = rc_read_u64(&reader);
    if ((kind & FILLED) != 0)
        filling = read_filling(&reader);
    if (reader.bad)
        return refuse(decode);
    const size_t left = rc_reader_left(&reader);
    const struct rc_bytes packed = {place.data + (place.size - left), left};
    const size_t mark = rc_decode_enter(decode, "handle");
    decode->cells_deep++;
    RC_TRY(decode_question(decode, packed, &filling, cell, &scope));
    decode->cells_deep--;
    rc_decode_leave(decode, mark);
    if (!rc_bytes_equal(decode->project, project))
        return rc_decode_fail(decode, RC_INVALID, "handle", "the handle is of another project");
    if (!rc_bytes_equal(scope->entity, entity))
        return rc_decode_fail(decode, RC_INVALID, "handle",
                              entity.size == 0 ? "the answer counted values of \"%.*s\" and not "
                                                 "users: ListEntities lists them"
                                               : "the answer did not count values of \"%.*s\"",
                              (int)(entity.size == 0 ? scope->entity : entity).size,
                              (entity.size == 0 ? scope->entity : entity).data);
    if (scope->week_start == RC_WEEK_START_DEFAULT)
        scope->week_start = 0;
    return RC_OK;
}

static void
series_place(const Recount__V1__SeriesCell *in, struct rc_chart_cell *cell)
{
    cell->place = in->series;
    cell->column = in->optional_bucket_case == RECOUNT__V1__SERIES_CELL__OPTIONAL_BUCKET_BUCKET
                       ? in->bucket
                       : RC_SERIES_RANGE;
    cell->pivot = in->optional_column_case == RECOUNT__V1__SERIES_CELL__OPTIONAL_COLUMN_COLUMN
                      ? in->column
                      : RC_SERIES_ROW;
    cell->compared = in->compared;
    cell->operand = in->optional_operand_case == RECOUNT__V1__SERIES_CELL__OPTIONAL_OPERAND_OPERAND
                        ? in->operand
                        : RC_SERIES_NO_OPERAND;
    if (in->bin != NULL)
        cell->bin = (struct rc_series_bin){.is_asked = true,
                                           .low = in->bin->low,
                                           .high = in->bin->high,
                                           .high_included = in->bin->high_included};
}

static struct rc_path_cell
path_place(const Recount__V1__PathsCell *in)
{
    struct rc_path_cell path = {.part = RC_PATH_WALKS};
    if (in->level == 0)
        return path;
    path.level = in->level - 1;
    path.node = in->node;
    path.part = RC_PATH_NODE;
    if (in->part_case == RECOUNT__V1__PATHS_CELL__PART_DROP_OFF && in->drop_off)
        path.part = RC_PATH_DROP_OFF;
    if (in->part_case == RECOUNT__V1__PATHS_CELL__PART_TARGET) {
        path.part = RC_PATH_EDGE;
        path.target = in->target;
    }
    return path;
}

static struct rc_sessions_cell
session_place(const Recount__V1__SessionsCell *in, uint32_t row)
{
    struct rc_sessions_cell cell = {
        .row = row, .bucket = RC_SESSIONS_RANGE, .bounced = in->bounced};
    switch (in->part_case) {
    case RECOUNT__V1__SESSIONS_CELL__PART_BUCKET:
        cell.bucket = in->bucket;
        break;
    case RECOUNT__V1__SESSIONS_CELL__PART_ENTRY:
        cell.part = RC_SESSIONS_ENTRIES;
        cell.row = in->entry;
        break;
    case RECOUNT__V1__SESSIONS_CELL__PART_EXIT:
        cell.part = RC_SESSIONS_EXITS;
        cell.row = in->exit;
        break;
    default:
        break;
    }
    return cell;
}

static enum rc_status
decode_place(struct rc_decode *decode, const Recount__V1__Cell *in, struct rc_chart_cell *cell)
{
    static const Recount__V1__Cell__PlaceCase places[] = {
        [RC_CHART_SERIES] = RECOUNT__V1__CELL__PLACE_SERIES,
        [RC_CHART_FUNNEL] = RECOUNT__V1__CELL__PLACE_FUNNEL,
        [RC_CHART_RETENTION] = RECOUNT__V1__CELL__PLACE_RETENTION,
        [RC_CHART_LIFECYCLE] = RECOUNT__V1__CELL__PLACE_LIFECYCLE,
        [RC_CHART_STICKINESS] = RECOUNT__V1__CELL__PLACE_STICKINESS,
        [RC_CHART_PATHS] = RECOUNT__V1__CELL__PLACE_PATHS,
        [RC_CHART_SESSIONS] = RECOUNT__V1__CELL__PLACE_SESSIONS,
        [RC_CHART_EXPERIMENT] = RECOUNT__V1__CELL__PLACE_EXPERIMENT,
        [RC_CHART_CORRELATION] = RECOUNT__V1__CELL__PLACE_CORRELATION,
    };
    if (in->place_case != places[cell->kind])
        return rc_decode_fail(decode, RC_INVALID, "place",
                              "the place is none of this kind of reply");
    cell->row = in->row;
    switch (cell->kind) {
    case RC_CHART_SERIES:
        series_place(in->series, cell);
        return RC_OK;
    case RC_CHART_FUNNEL:
        if (in->funnel->step == 0)
            return rc_decode_fail(decode, RC_INVALID, "funnel.step", "steps count from 1");
        cell->place = in->funnel->step - 1;
        cell->dropped = in->funnel->dropped;
        cell->column =
            in->funnel->optional_bucket_case == RECOUNT__V1__FUNNEL_CELL__OPTIONAL_BUCKET_BUCKET
                ? in->funnel->bucket
                : RC_FUNNEL_NO_BUCKET;
        return RC_OK;
    case RC_CHART_RETENTION:
        cell->place = in->retention->cohort;
        cell->column = in->retention->optional_column_case ==
                               RECOUNT__V1__RETENTION_CELL__OPTIONAL_COLUMN_COLUMN
                           ? in->retention->column
                           : RC_RETENTION_SIZE;
        return RC_OK;
    case RC_CHART_LIFECYCLE:
        if (in->lifecycle->state == RECOUNT__V1__LIFECYCLE_STATE__LIFECYCLE_STATE_UNSPECIFIED)
            return rc_decode_fail(decode, RC_INVALID, "lifecycle.state", "the state is missing");
        cell->column = in->lifecycle->bucket;
        cell->state = (enum rc_lifecycle_state)in->lifecycle->state;
        return RC_OK;
    case RC_CHART_PATHS:
        cell->path = path_place(in->paths);
        return RC_OK;
    case RC_CHART_SESSIONS:
        cell->session = session_place(in->sessions, in->row);
        return RC_OK;
    case RC_CHART_EXPERIMENT:
        cell->place = (uint32_t)in->experiment->users;
        return RC_OK;
    case RC_CHART_CORRELATION:
        cell->place = (uint32_t)in->correlation->users;
        if (in->correlation->population)
            cell->row = RC_CORRELATION_POPULATION;
        return RC_OK;
    default:
        cell->place = in->stickiness->buckets;
        return RC_OK;
    }
}

enum rc_status
rc_decode_cell(struct rc_decode *decode,
               const Recount__V1__Cell *in,
               struct rc_bytes entity,
               const struct rc_chart_cell **ret_cell)
{
    struct rc_chart_cell *cell = rc_arena_zero(decode->arena, sizeof(*cell));
    if (cell == NULL)
        return rc_decode_no_memory(decode);
    if (decode->cells_deep >= RC_CELLS_DEEP_MAX)
        return rc_decode_fail(decode, RC_INVALID, "handle",
                              "handles hold each other more than %u deep", RC_CELLS_DEEP_MAX);
    RC_TRY(decode_handle(decode, in->handle, entity, cell));
    RC_TRY(decode_place(decode, in, cell));
    *ret_cell = cell;
    return RC_OK;
}
