/* Cell of a chart: each kind of question with a note of who is asked for. */
#include "engine/query/segment/chart_cell.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/query/walk/entities.h"

static uint64_t
hash_value(uint64_t hash, const struct rc_value *value)
{
    hash = rc_hash_seeded(&value->kind, sizeof(value->kind), hash);
    switch (value->kind) {
    case RC_VALUE_BOOL:
        return rc_hash_seeded(&value->boolean, sizeof(value->boolean), hash);
    case RC_VALUE_INT:
        return rc_hash_seeded(&value->integer, sizeof(value->integer), hash);
    case RC_VALUE_DOUBLE:
        return rc_hash_seeded(&value->real, sizeof(value->real), hash);
    case RC_VALUE_STRING:
        return rc_hash_seeded(value->string.data, value->string.size, hash);
    default:
        return hash;
    }
}

uint64_t
rc_row_label_hash(uint64_t before, const struct rc_row_label *label)
{
    uint64_t hash = rc_hash_seeded(&label->kind, sizeof(label->kind), before);
    if (label->part_count == 0)
        return hash_value(hash, &label->value);
    for (uint32_t i = 0; i < label->part_count; i++) {
        const struct rc_label_value *part = &label->parts[i];
        hash = rc_hash_seeded(&part->kind, sizeof(part->kind), hash);
        switch (part->kind) {
        case RC_LABEL_VALUE:
            hash = hash_value(hash, &part->value);
            break;
        case RC_LABEL_BIN:
            hash = rc_hash_seeded(&part->low, sizeof(part->low), hash);
            hash = rc_hash_seeded(&part->high, sizeof(part->high), hash);
            break;
        default:
            hash = rc_hash_seeded(&part->place, sizeof(part->place), hash);
        }
    }
    return hash;
}

uint64_t
rc_series_label_hash(const struct rc_series_reply *reply, uint32_t result_count)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < reply->row_count; i++)
        hash = rc_row_label_hash(hash, &reply->rows[i].label);
    for (uint32_t i = 0; reply->columns != NULL && i < result_count; i++)
        for (uint32_t column = 0; column < reply->columns[i].count; column++)
            hash = rc_row_label_hash(hash, &reply->columns[i].labels[column]);
    return hash;
}

uint64_t
rc_sessions_label_hash(const struct rc_sessions_reply *reply)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < reply->row_count; i++)
        hash = rc_row_label_hash(hash, &reply->rows[i].label);
    for (uint32_t i = 0; i < reply->entry_count; i++)
        hash = rc_row_label_hash(hash, &reply->entries[i].label);
    for (uint32_t i = 0; i < reply->exit_count; i++)
        hash = rc_row_label_hash(hash, &reply->exits[i].label);
    return hash;
}

uint64_t
rc_paths_label_hash(const struct rc_paths_reply *reply)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < reply->row_count; i++)
        hash = rc_row_label_hash(hash, &reply->rows[i].label);
    for (uint32_t level = 0; level < reply->total.level_count; level++) {
        const struct rc_path_level *nodes = &reply->total.levels[level];
        hash = rc_hash_seeded(&nodes->node_count, sizeof(nodes->node_count), hash);
        for (uint32_t i = 0; i < nodes->node_count; i++)
            hash = rc_row_label_hash(hash, &nodes->nodes[i].label);
    }
    return hash;
}

enum rc_status
rc_chart_cell_changed(struct rc_error *reterr_error)
{
    return rc_error_field(reterr_error, RC_CONFLICT, "handle",
                          "the answer has other rows by now, since events arrived late or were "
                          "replaced: ask the question again");
}

/* field is the name of the part of the place. */
static enum rc_status
check_place(const char *field, uint32_t place, uint32_t count, struct rc_error *reterr_error)
{
    if (place >= count)
        return rc_error_field(reterr_error, RC_INVALID, field, "there is no such %s", field);
    return RC_OK;
}

/* Whether the answer's rows are those that the handle was made of, and the cell's is below
 * row_end. Rows of every kind begin with their label. */
static enum rc_status
check_rows(const struct rc_chart_cell *cell,
           const void *rows,
           size_t row_bytes,
           uint32_t row_count,
           uint32_t row_end,
           struct rc_error *reterr_error)
{
    uint64_t labels = 0;
    for (uint32_t i = 0; i < row_count; i++)
        labels = rc_row_label_hash(labels, (const void *)((const char *)rows + i * row_bytes));
    if (labels != cell->labels)
        return rc_chart_cell_changed(reterr_error);
    return check_place("row", cell->row, row_end, reterr_error);
}

_Static_assert(offsetof(struct rc_funnel_row, label) == 0 &&
                   offsetof(struct rc_retention_row, label) == 0 &&
                   offsetof(struct rc_lifecycle_row, label) == 0 &&
                   offsetof(struct rc_stickiness_row, label) == 0,
               "rows begin with their label");

/* A cell that has not begun is a null, behind which is nobody. */
static void
clear(const struct rc_query_context *context, uint64_t *words)
{
    memset(words, 0, rc_counted_word_count(context) * sizeof(*words));
}

static enum rc_status
funnel_persons(const struct rc_query_context *context,
               const struct rc_chart_cell *cell,
               struct rc_query_stats *stats,
               uint64_t *words,
               struct rc_error *reterr_error)
{
    struct rc_funnel_request request = *cell->funnel;
    struct rc_funnel_reply reply;
    request.persons = words;
    request.cell = (struct rc_funnel_cell){
        .row = cell->row, .bucket = cell->column, .step = cell->place, .dropped = cell->dropped};
    RC_TRY(rc_query_funnel(context, &request, &reply, reterr_error));
    RC_TRY(check_rows(cell, reply.rows, sizeof(*reply.rows), reply.row_count, reply.row_count,
                      reterr_error));
    RC_TRY(check_place("step", cell->place, reply.step_count, reterr_error));
    if (cell->column != RC_FUNNEL_NO_BUCKET)
        RC_TRY(check_place("bucket", cell->column, reply.bucket_count, reterr_error));
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}

static enum rc_status
retention_persons(const struct rc_query_context *context,
                  const struct rc_chart_cell *cell,
                  struct rc_query_stats *stats,
                  uint64_t *words,
                  struct rc_error *reterr_error)
{
    struct rc_retention_request request = *cell->retention;
    struct rc_retention_reply reply;
    request.persons = words;
    request.at.row = cell->row;
    request.at.cohort = cell->place;
    request.at.column = cell->column;
    RC_TRY(rc_query_retention(context, &request, &reply, reterr_error));
    RC_TRY(check_rows(cell, reply.rows, sizeof(*reply.rows), reply.row_count, reply.row_count,
                      reterr_error));
    RC_TRY(check_place("cohort", cell->place, reply.cohort_count, reterr_error));
    if (cell->column != RC_RETENTION_SIZE) {
        RC_TRY(check_place("column", cell->column, reply.column_count, reterr_error));
        const struct rc_retention_cohort *cohort = &reply.rows[cell->row].cohorts[cell->place];
        if (cohort->cells[cell->column].state == RC_CELL_NOT_BEGUN)
            clear(context, words);
    }
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}

static enum rc_status
lifecycle_persons(const struct rc_query_context *context,
                  const struct rc_chart_cell *cell,
                  struct rc_query_stats *stats,
                  uint64_t *words,
                  struct rc_error *reterr_error)
{
    struct rc_lifecycle_request request = *cell->lifecycle;
    struct rc_lifecycle_reply reply;
    request.persons = words;
    request.at.row = cell->row;
    request.at.bucket = cell->column;
    request.at.state = cell->state;
    RC_TRY(rc_query_lifecycle(context, &request, &reply, reterr_error));
    RC_TRY(check_rows(cell, reply.rows, sizeof(*reply.rows), reply.row_count, reply.row_count + 1,
                      reterr_error)); /* The row behind them is all users. */
    RC_TRY(check_place("bucket", cell->column, reply.bucket_count, reterr_error));
    if (!reply.counts[cell->column].begun)
        clear(context, words);
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}

static enum rc_status
stickiness_persons(const struct rc_query_context *context,
                   const struct rc_chart_cell *cell,
                   struct rc_query_stats *stats,
                   uint64_t *words,
                   struct rc_error *reterr_error)
{
    struct rc_stickiness_request request = *cell->stickiness;
    struct rc_stickiness_reply reply;
    if (cell->place == 0)
        return rc_error_field(reterr_error, RC_INVALID, "buckets",
                              "users of no bucket are not counted");
    request.persons = words;
    request.at.row = cell->row;
    request.at.buckets = cell->place;
    RC_TRY(rc_query_stickiness(context, &request, &reply, reterr_error));
    RC_TRY(check_rows(cell, reply.rows, sizeof(*reply.rows), reply.row_count, reply.row_count + 1,
                      reterr_error)); /* As above. */
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}

/* A place of a flow that there is. */
static enum rc_status
check_path_cell(const struct rc_path_flow *flow,
                const struct rc_path_cell *cell,
                struct rc_error *reterr_error)
{
    if (cell->part == RC_PATH_WALKS)
        return RC_OK;
    RC_TRY(check_place("level", cell->level, flow->level_count, reterr_error));
    RC_TRY(check_place("node", cell->node, flow->levels[cell->level].node_count, reterr_error));
    if (cell->part != RC_PATH_EDGE)
        return RC_OK;
    const uint32_t next = cell->level + 1; /* Behind the last level are no nodes. */
    return check_place("target", cell->target,
                       next < flow->level_count ? flow->levels[next].node_count : 0, reterr_error);
}

static enum rc_status
paths_persons(const struct rc_query_context *context,
              const struct rc_chart_cell *cell,
              struct rc_query_stats *stats,
              uint64_t *words,
              struct rc_error *reterr_error)
{
    struct rc_paths_request request = *cell->paths;
    struct rc_paths_reply reply;
    request.persons = words;
    request.at = cell->path;
    request.at.row = cell->row;
    RC_TRY(rc_query_paths(context, &request, &reply, reterr_error));
    if (rc_paths_label_hash(&reply) != cell->labels)
        return rc_chart_cell_changed(reterr_error);
    RC_TRY(check_place("row", cell->row, reply.row_count + 1, reterr_error));
    stats->matched_events += reply.stats.matched_events;
    return check_path_cell(&reply.total, &cell->path, reterr_error);
}

static enum rc_status
sessions_persons(const struct rc_query_context *context,
                 const struct rc_chart_cell *cell,
                 struct rc_query_stats *stats,
                 uint64_t *words,
                 struct rc_error *reterr_error)
{
    const struct rc_sessions_cell *at = &cell->session;
    struct rc_sessions_request request = *cell->sessions;
    struct rc_sessions_reply reply;
    request.persons = words;
    request.at = *at;
    RC_TRY(rc_query_sessions(context, &request, &reply, reterr_error));
    if (rc_sessions_label_hash(&reply) != cell->labels)
        return rc_chart_cell_changed(reterr_error);
    if (at->part == RC_SESSIONS_ENTRIES)
        RC_TRY(check_place("entry", at->row, reply.entry_count, reterr_error));
    else if (at->part == RC_SESSIONS_EXITS)
        RC_TRY(check_place("exit", at->row, reply.exit_count, reterr_error));
    else
        RC_TRY(check_place("row", at->row, reply.row_count + 1, reterr_error));
    if (at->bucket != RC_SESSIONS_RANGE)
        RC_TRY(check_place("bucket", at->bucket, reply.bucket_count, reterr_error));
    stats->matched_events += reply.stats.matched_events;
    return RC_OK;
}

enum rc_status
rc_chart_cell_persons(const struct rc_query_context *context,
                      const struct rc_chart_cell *cell,
                      struct rc_query_stats *stats,
                      uint64_t *words,
                      struct rc_error *reterr_error)
{
    switch (cell->kind) {
    case RC_CHART_SERIES: {
        const struct rc_series_cell at = {.result = cell->place,
                                          .operand = cell->operand,
                                          .row = cell->row,
                                          .bucket = cell->column,
                                          .column = cell->pivot,
                                          .bin = cell->bin,
                                          .compared = cell->compared,
                                          .labels = cell->labels};
        const enum rc_status status =
            rc_query_series_persons(context, cell->series, &at, words, stats, reterr_error);
        return status == RC_CONFLICT ? rc_chart_cell_changed(reterr_error) : status;
    }
    case RC_CHART_RETENTION:
        return retention_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_LIFECYCLE:
        return lifecycle_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_STICKINESS:
        return stickiness_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_FUNNEL:
        return funnel_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_PATHS:
        return paths_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_SESSIONS:
        return sessions_persons(context, cell, stats, words, reterr_error);
    case RC_CHART_EXPERIMENT:
    case RC_CHART_CORRELATION:
        return cell->ask(context, cell, stats, words, reterr_error);
    }
    return rc_error_field(reterr_error, RC_INVALID, "handle", "the kind of question is unknown");
}
