/*
 * Statements: a table of chains by (fingerprint, project) over entries in one array of pointers.
 *
 * Times are counted in buckets of a logarithmic scale, eight to each doubling: a percentile is the
 * middle of the bucket that it falls in, at most 7 % off, for 1.3 KB a statement and one increment
 * a call.
 */
#include "server/call/statements.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define CHAINS 2048u
#define SUB_BITS 3u
#define SUBS (1u << SUB_BITS)
#define TIME_BUCKETS ((40u - SUB_BITS + 1) * SUBS) /* Up to 2^40 us, 12 days. */

struct entry {
    struct entry *next; /* Of its chain. */
    uint32_t at;        /* In entries. */
    struct rc_statement known;
    uint32_t times[TIME_BUCKETS];
    /* Project and shape follow. */
};

struct rc_statements {
    pthread_mutex_t lock;
    int64_t since_ms;
    uint64_t evicted;
    uint32_t count;
    struct entry *entries[RC_STATEMENTS_MAX];
    struct entry *chains[CHAINS];
};

enum rc_status
rc_statements_new(int64_t now_ms, struct rc_statements **ret_statements)
{
    struct rc_statements *statements = rc_alloc_zero(sizeof(*statements));
    if (statements == NULL)
        return RC_NO_MEMORY;
    statements->since_ms = now_ms;
    pthread_mutex_init(&statements->lock, NULL);
    *ret_statements = statements;
    return RC_OK;
}

struct rc_statements *
rc_statements_free(struct rc_statements *statements)
{
    if (statements == NULL)
        return NULL;
    for (uint32_t i = 0; i < statements->count; i++)
        rc_alloc_free(statements->entries[i]);
    pthread_mutex_destroy(&statements->lock);
    return rc_alloc_free(statements);
}

static uint32_t
chain_of(uint64_t fingerprint, struct rc_bytes project)
{
    return (uint32_t)(rc_hash_seeded(project.data, project.size, fingerprint) % CHAINS);
}

/* The bucket of a time. */
static uint32_t
bucket_of(uint64_t elapsed_ns)
{
    const uint64_t us = elapsed_ns / 1000;
    if (us < SUBS)
        return (uint32_t)us;
    const uint32_t high = 63u - (uint32_t)__builtin_clzll(us);
    const uint32_t sub = (uint32_t)(us >> (high - SUB_BITS)) & (SUBS - 1);
    const uint32_t bucket = (high - SUB_BITS + 1) * SUBS + sub;
    return bucket < TIME_BUCKETS ? bucket : TIME_BUCKETS - 1;
}

/* The middle of a bucket. */
static double
middle_ns(uint32_t bucket)
{
    if (bucket < SUBS)
        return ((double)bucket + 0.5) * 1e3;
    const uint32_t shift = bucket / SUBS - 1;
    const double first = (double)((uint64_t)(SUBS + bucket % SUBS) << shift);
    return (first + (double)((uint64_t)1 << shift) / 2) * 1e3;
}

static double
percentile_ns(const struct entry *entry, double share)
{
    const double wanted = share * (double)entry->known.calls;
    double seen = 0;
    for (uint32_t i = 0; i < TIME_BUCKETS; i++) {
        seen += entry->times[i];
        if (seen >= wanted && entry->times[i] > 0) {
            const double ns = middle_ns(i);
            return ns < (double)entry->known.max_ns ? ns : (double)entry->known.max_ns;
        }
    }
    return 0;
}

static struct entry *
find(const struct rc_statements *statements, const struct rc_statement_call *call)
{
    struct entry *entry = statements->chains[chain_of(call->shape.fingerprint, call->project)];
    while (entry != NULL && (entry->known.fingerprint != call->shape.fingerprint ||
                             !rc_bytes_equal(entry->known.project, call->project)))
        entry = entry->next;
    return entry;
}

/* Takes an entry out; the last one takes its place in the array. */
static void
forget(struct rc_statements *statements, struct entry *entry)
{
    struct entry **at =
        &statements->chains[chain_of(entry->known.fingerprint, entry->known.project)];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    struct entry *last = statements->entries[--statements->count];
    statements->entries[entry->at] = last;
    last->at = entry->at;
    rc_alloc_free(entry);
}

static void
evict(struct rc_statements *statements)
{
    struct entry *oldest = statements->entries[0];
    for (uint32_t i = 1; i < statements->count; i++)
        if (statements->entries[i]->known.last_ms < oldest->known.last_ms)
            oldest = statements->entries[i];
    forget(statements, oldest);
    statements->evicted++;
}

static struct entry *
add(struct rc_statements *statements, const struct rc_statement_call *call)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return NULL;
    const struct rc_bytes shape = rc_shape_text(&call->shape, arena);
    struct entry *entry = rc_alloc_zero(sizeof(*entry) + call->project.size + shape.size);
    if (entry == NULL)
        return NULL;
    char *texts = (char *)(entry + 1);
    if (statements->count == RC_STATEMENTS_MAX)
        evict(statements);
    memcpy(texts, call->project.data, call->project.size);
    memcpy(texts + call->project.size, shape.data, shape.size);
    entry->known = (struct rc_statement){
        .project = {texts, call->project.size},
        .call = call->shape.call,
        .shape = {texts + call->project.size, shape.size},
        .fingerprint = call->shape.fingerprint,
    };
    struct entry **chain = &statements->chains[chain_of(call->shape.fingerprint, call->project)];
    entry->next = *chain;
    *chain = entry;
    entry->at = statements->count;
    statements->entries[statements->count++] = entry;
    return entry;
}

void
rc_statements_add(struct rc_statements *statements, const struct rc_statement_call *call)
{
    pthread_mutex_lock(&statements->lock);
    struct entry *entry = find(statements, call);
    if (entry == NULL)
        entry = add(statements, call);
    if (entry != NULL) {
        struct rc_statement *known = &entry->known;
        known->calls++;
        known->failed += call->failed;
        known->total_ns += call->elapsed_ns;
        known->max_ns = call->elapsed_ns > known->max_ns ? call->elapsed_ns : known->max_ns;
        known->events_matched += call->events_matched;
        known->bitmaps_computed += call->bitmaps_computed;
        known->bitmaps_cached += call->bitmaps_cached;
        known->last_ms = call->now_ms;
        entry->times[bucket_of(call->elapsed_ns)]++;
    }
    pthread_mutex_unlock(&statements->lock);
}

static bool
copy(const struct entry *entry, struct rc_arena *arena, struct rc_statement *out)
{
    *out = entry->known;
    out->project.data = rc_arena_string(arena, out->project.data, out->project.size);
    out->shape.data = rc_arena_string(arena, out->shape.data, out->shape.size);
    out->p50_ns = percentile_ns(entry, 0.5);
    out->p95_ns = percentile_ns(entry, 0.95);
    out->p99_ns = percentile_ns(entry, 0.99);
    return out->project.data != NULL && out->shape.data != NULL;
}

enum rc_status
rc_statements_list(struct rc_statements *statements,
                   struct rc_bytes project,
                   struct rc_arena *arena,
                   struct rc_statement **ret_list,
                   uint32_t *ret_count,
                   int64_t *ret_since_ms,
                   uint64_t *ret_evicted)
{
    struct rc_statement *list = RC_ARENA_ARRAY(arena, struct rc_statement, RC_STATEMENTS_MAX);
    uint32_t count = 0;
    bool complete = list != NULL;
    pthread_mutex_lock(&statements->lock);
    for (uint32_t i = 0; complete && i < statements->count; i++) {
        const struct entry *entry = statements->entries[i];
        if (project.size > 0 && !rc_bytes_equal(project, entry->known.project))
            continue;
        complete = copy(entry, arena, &list[count++]);
    }
    *ret_since_ms = statements->since_ms;
    *ret_evicted = statements->evicted;
    pthread_mutex_unlock(&statements->lock);
    if (!complete)
        return RC_NO_MEMORY;
    *ret_list = list;
    *ret_count = count;
    return RC_OK;
}

uint64_t
rc_statements_reset(struct rc_statements *statements, int64_t now_ms)
{
    pthread_mutex_lock(&statements->lock);
    const uint64_t count = statements->count;
    while (statements->count > 0)
        forget(statements, statements->entries[statements->count - 1]);
    statements->since_ms = now_ms;
    statements->evicted = 0;
    pthread_mutex_unlock(&statements->lock);
    return count;
}
