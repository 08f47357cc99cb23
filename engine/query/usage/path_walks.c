/*
 * Path walks. A session's nodes are written down, repeats once; then the start is looked for, the
 * end behind it, and what is too long is cut: behind the first levels, or, where the end was asked
 * for, before the last ones.
 */
#include "engine/query/usage/path_walks.h"

#include "engine/query/usage/session_run.h"

void
rc_path_reader_close(struct rc_path_reader *reader)
{
    reader->nodes = rc_alloc_free(reader->nodes);
    reader->places = rc_alloc_free(reader->places);
    reader->capacity = 0;
}

static enum rc_status
reserve(struct rc_path_reader *reader, uint32_t count)
{
    if (count <= reader->capacity)
        return RC_OK;
    const uint32_t capacity = count < 64 ? 64 : count + count / 2;
    rc_path_reader_close(reader);
    reader->nodes = rc_alloc_in(reader->account, capacity * sizeof(*reader->nodes));
    reader->places = rc_alloc_in(reader->account, capacity * sizeof(*reader->places));
    if (reader->nodes == NULL || reader->places == NULL)
        return RC_NO_MEMORY;
    reader->capacity = capacity;
    return RC_OK;
}

/* Writes down the nodes of a session. Returns how many. */
static uint32_t
read_nodes(struct rc_path_reader *reader,
           uint32_t person,
           const struct rc_hit *hits,
           uint32_t hit_count)
{
    const struct rc_path_rule *rule = reader->rule;
    uint32_t count = 0;
    for (uint32_t i = 0; i < hit_count; i++) {
        if ((hits[i].mask & rule->excluded_bit) != 0)
            continue;
        const uint32_t node = rc_path_nodes_of(rule->nodes, person, &hits[i]);
        if (node == RC_PATH_NODE_NONE || (count > 0 && reader->nodes[count - 1] == node))
            continue;
        reader->places[count] = i;
        reader->nodes[count++] = node;
    }
    return count;
}

/* The first place where the start's nodes follow one another; count: nowhere. */
static uint32_t
find_start(const struct rc_path_rule *rule, const uint32_t *nodes, uint32_t count)
{
    for (uint32_t at = 0; at + rule->start_count <= count; at++) {
        uint32_t same = 0;
        while (same < rule->start_count && nodes[at + same] == rule->start[same])
            same++;
        if (same == rule->start_count)
            return at;
    }
    return count;
}

static struct rc_path_walk
cut(const struct rc_path_rule *rule, const uint32_t *nodes, uint32_t count)
{
    const uint32_t begin = find_start(rule, nodes, count);
    if (begin == count)
        return (struct rc_path_walk){.count = 0};
    if (!rule->has_end) {
        const uint32_t left = count - begin;
        const bool whole = left <= rule->depth;
        return (struct rc_path_walk){
            .nodes = nodes + begin, .count = whole ? left : rule->depth, .drops_off = whole};
    }
    uint32_t end = begin + rule->start_count;
    while (end < count && nodes[end] != rule->end)
        end++;
    if (end == count)
        return (struct rc_path_walk){.count = 0};
    const uint32_t length = end + 1 - begin;
    const uint32_t shown = length < rule->depth ? length : rule->depth;
    return (struct rc_path_walk){.nodes = nodes + end + 1 - shown, .count = shown};
}

enum rc_status
rc_path_reader_next(struct rc_path_reader *reader,
                    uint32_t person,
                    const struct rc_hit *hits,
                    uint32_t count,
                    uint32_t *at,
                    struct rc_path_walk *ret_walk)
{
    const uint32_t end = rc_session_run_end(hits, *at, count, reader->rule->gap_ms);
    RC_TRY(reserve(reader, end - *at));
    const struct rc_hit *session = hits + *at;
    const uint32_t nodes = read_nodes(reader, person, session, end - *at);
    *at = end;
    *ret_walk = cut(reader->rule, reader->nodes, nodes);
    if (ret_walk->count > 0)
        ret_walk->first = &session[reader->places[ret_walk->nodes - reader->nodes]];
    return RC_OK;
}
