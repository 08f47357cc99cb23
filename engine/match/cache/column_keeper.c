/*
 * Column keeper. A key is a byte that no predicate begins with, and the derivation with the steps
 * that the made column does: of a formula none, of the time its first, of texts all.
 */
#include "engine/match/cache/column_keeper.h"

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/match/cache/match_cache.h"

#define COLUMN_KEY 0xffu

/* Whether columns are kept, and how many steps they hold. */
static bool
is_kept(const struct rc_made_column *made, uint32_t *ret_steps)
{
    *ret_steps = made->kind == RC_MADE_TIME    ? 1
                 : made->kind == RC_MADE_TEXTS ? made->derivation->step_count
                                               : 0;
    return made->kind == RC_MADE_FORMULA || made->kind == RC_MADE_TEXTS ||
           (made->kind == RC_MADE_TIME && made->derivation->step_count > 0 &&
            made->derivation->steps[0].kind == RC_DERIVE_TIME);
}

enum rc_status
rc_column_keeper_open(struct rc_match_cache *cache,
                      const struct rc_made_column *made,
                      struct rc_arena *arena,
                      struct rc_column_keeper *ret_keeper)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    uint32_t steps;
    *ret_keeper = (struct rc_column_keeper){.cache = cache, .made = made};
    if (!is_kept(made, &steps))
        return RC_OK;
    struct rc_derivation kept = *made->derivation;
    kept.step_count = steps;
    rc_write_u8(&writer, COLUMN_KEY);
    rc_derivation_write(&writer, &kept);
    const char *copy = writer.failed ? NULL : rc_arena_copy(arena, writer.data, writer.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    ret_keeper->key = rc_match_key_of_bytes((struct rc_bytes){copy, writer.size});
    return RC_OK;
}

/* Makes the column in an arena. */
static enum rc_status
make(const struct rc_column_keeper *keeper,
     const struct rc_column_wish *wish,
     const uint64_t *blocks,
     struct rc_arena *arena,
     struct rc_found_column *found)
{
    return rc_made_column_of_slab(keeper->made, wish->slab, blocks, wish->cancel, arena,
                                  &found->present, &found->view);
}

/* Makes what base (NULL: nothing) lacks of the wish, and puts both into the cache. */
static enum rc_status
make_kept(const struct rc_column_keeper *keeper,
          const struct rc_column_wish *wish,
          const struct rc_kept_column *base,
          struct rc_kept_column **ret_kept)
{
    struct rc_account *account = rc_match_cache_account(keeper->cache);
    const uint32_t row_count = rc_slab_get_info(wish->slab)->row_count;
    const uint32_t failures = rc_slab_read_failures(wish->slab);
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    struct rc_found_column made = {.present = false};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    /* Of a formula blocks are made; all else is made of all rows at once. */
    const uint64_t *blocks = keeper->made->kind == RC_MADE_FORMULA ? wish->blocks : NULL;
    if (base != NULL) {
        uint64_t *missing = RC_ARENA_ARRAY(scratch, uint64_t, rc_kept_column_words(row_count));
        if (missing == NULL)
            return RC_NO_MEMORY;
        rc_kept_column_missing(base, blocks, missing);
        blocks = missing;
    }
    const enum rc_status status = make(keeper, wish, blocks, scratch, &made);
    if (status == RC_NOT_FOUND) {
        RC_TRY(rc_kept_column_new_declined(row_count, account, ret_kept));
    } else {
        RC_TRY(status);
        RC_TRY(rc_kept_column_new(base, &made.view, made.present, blocks, row_count, account,
                                  ret_kept));
    }
    if (rc_slab_read_failures(wish->slab) == failures) /* Else an operand was missed. */
        rc_match_cache_insert_column(keeper->cache, wish->slab_id, &keeper->key,
                                     rc_clock_monotonic_ns() - begun_ns, *ret_kept);
    return RC_OK;
}

/* Whether a column that the cache lacks is made for the wish. */
static bool
pays(const struct rc_column_keeper *keeper, const struct rc_column_wish *wish)
{
    return keeper->made->kind != RC_MADE_TEXTS ||
           (wish->keeps && rc_text_column_pays(&keeper->made->texts, wish->slab));
}

enum rc_status
rc_column_keeper_get(const struct rc_column_keeper *keeper,
                     const struct rc_column_wish *wish,
                     struct rc_found_column *ret_found)
{
    struct rc_found_column found = {.present = false};
    const bool may_keep = keeper->key.bytes.size > 0;
    RC_CLEANUP(rc_kept_column_unrefp)
    struct rc_kept_column *kept =
        may_keep ? rc_match_cache_find_column(keeper->cache, wish->slab_id, &keeper->key) : NULL;
    const bool has = kept != NULL && rc_kept_column_has(kept, wish->blocks);
    if (!has && pays(keeper, wish)) {
        struct rc_kept_column *fresh = NULL;
        enum rc_status status = RC_OK;
        if (may_keep && wish->keeps)
            status = make_kept(keeper, wish, kept, &fresh);
        if (status != RC_OK && status != RC_NO_MEMORY)
            return status;
        kept = rc_kept_column_unref(kept);
        kept = fresh;
    }
    found.declined =
        kept == NULL ? keeper->made->kind == RC_MADE_TEXTS : rc_kept_column_is_declined(kept);
    found.reused = has && !found.declined;
    if (kept == NULL && !found.declined)
        RC_TRY(make(keeper, wish, wish->blocks, wish->arena, &found));
    else if (kept != NULL)
        found.present = rc_kept_column_view(kept, &found.view);
    found.kept = RC_TAKE(kept);
    *ret_found = found;
    return RC_OK;
}

bool
rc_column_keeper_has(const struct rc_column_keeper *keeper, uint64_t slab_id)
{
    return keeper->key.bytes.size > 0 &&
           rc_match_cache_has_column(keeper->cache, slab_id, &keeper->key);
}
