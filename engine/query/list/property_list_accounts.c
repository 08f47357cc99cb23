/*
 * The properties of accounts. An account's name begins with the property that events name it in, so
 * accounts in the order of their names stand key by key: what is asked of a key is asked of a
 * stretch of them. The latest values are cells, one an account, which the project keeps; the times
 * are those of the history of writes, read once for all properties.
 */
#include "engine/query/list/property_list_accounts.h"

#include <stdlib.h>

#include "engine/match/rows/words.h"
#include "engine/query/list/property_list_users.h"
#include "engine/store/users/people.h"
#include "engine/store/value/account_id.h"

#define BETWEEN_LOOKS 16384u

/* An account that is known. */
struct known {
    struct rc_bytes key;
    uint32_t account;
};

struct listing {
    const struct rc_query_context *context;
    const struct rc_properties *properties;
    uint32_t property_count;
    int64_t as_of_ms;
    struct known *known; /* By key. */
    uint32_t known_count;
    uint32_t *key_of; /* By account, of those known. */
    struct rc_accounts_seen *accounts;
    uint32_t key_count;
    rc_cell *scratch;
    struct rc_property_seen *seen; /* By key, then by property. */
};

static bool
is_cancelled(const struct rc_query_context *context, uint32_t at)
{
    return at % BETWEEN_LOOKS == 0 && context->cancel != NULL &&
           atomic_load_explicit(context->cancel, memory_order_relaxed);
}

static int
compare_keys(const void *a, const void *b)
{
    return rc_bytes_compare(((const struct known *)a)->key, ((const struct known *)b)->key);
}

/* Accounts are known that something was written to by then. */
static enum rc_status
find_known(struct listing *listing)
{
    struct rc_view *view = listing->context->view;
    const uint32_t count = rc_view_account_count(view);
    uint64_t *words = RC_ARENA_ARRAY(listing->context->arena, uint64_t, (size_t)count / 64 + 1);
    struct rc_user_write write;
    listing->known = RC_ARENA_ARRAY(listing->context->arena, struct known, (size_t)count + 1);
    listing->key_of = RC_ARENA_ARRAY(listing->context->arena, uint32_t, (size_t)count + 1);
    if (words == NULL || listing->known == NULL || listing->key_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; rc_view_account_write(view, i, &write); i++) {
        if (is_cancelled(listing->context, i))
            return RC_CANCELLED;
        if (write.time_ms <= listing->as_of_ms)
            words[write.user / 64] |= (uint64_t)1 << (write.user % 64);
    }
    for (uint32_t account = 0; account < count; account++)
        if (rc_words_has(words, account))
            listing->known[listing->known_count++] =
                (struct known){rc_account_id_key(rc_view_account_name(view, account)), account};
    if (listing->known_count > 0)
        qsort(listing->known, listing->known_count, sizeof(*listing->known), compare_keys);
    return RC_OK;
}

static enum rc_status
find_keys(struct listing *listing)
{
    struct rc_arena *arena = listing->context->arena;
    for (uint32_t i = 0; i < listing->known_count; i++)
        listing->key_count +=
            i == 0 || !rc_bytes_equal(listing->known[i].key, listing->known[i - 1].key);
    const size_t count = (size_t)listing->key_count * listing->property_count;
    listing->accounts =
        RC_ARENA_ARRAY(arena, struct rc_accounts_seen, (size_t)listing->key_count + 1);
    listing->scratch = RC_ARENA_ARRAY(arena, rc_cell, (size_t)listing->known_count + 1);
    listing->seen = RC_ARENA_ARRAY(arena, struct rc_property_seen, count + 1);
    if (listing->accounts == NULL || listing->scratch == NULL || listing->seen == NULL)
        return RC_NO_MEMORY;
    uint32_t key = 0;
    for (uint32_t i = 0; i < listing->known_count; i++) {
        key += i > 0 && !rc_bytes_equal(listing->known[i].key, listing->known[i - 1].key);
        listing->key_of[listing->known[i].account] = key;
        listing->accounts[key].account_key = listing->known[i].key;
        listing->accounts[key].count++;
    }
    for (size_t i = 0; i < count; i++)
        listing->seen[i] = (struct rc_property_seen){
            .account_key = listing->accounts[i / listing->property_count].account_key,
            .all = listing->accounts[i / listing->property_count].count,
            .first_ms = INT64_MAX,
            .last_ms = INT64_MIN,
        };
    return RC_OK;
}

static enum rc_status
count_property(struct listing *listing, uint32_t property)
{
    const struct rc_dictionary *dictionary =
        rc_properties_dictionary(listing->properties, property);
    const rc_cell *cells;
    uint32_t at = 0;
    RC_TRY(rc_view_account_cells(listing->context->view, property, listing->as_of_ms, &cells));
    for (uint32_t key = 0; key < listing->key_count; key++) {
        struct rc_property_seen *seen = &listing->seen[key * listing->property_count + property];
        const uint32_t end = at + (uint32_t)listing->accounts[key].count;
        uint32_t count = 0;
        for (; at < end; at++) {
            const rc_cell cell = cells[listing->known[at].account];
            if (is_cancelled(listing->context, at))
                return RC_CANCELLED;
            if (cell == RC_CELL_NULL)
                continue;
            seen->counts[rc_seen_kind_of_cell(dictionary, cell)]++;
            listing->scratch[count++] = cell;
        }
        RC_TRY(rc_seen_distinct(listing->context, dictionary, listing->scratch, count,
                                &seen->distinct));
    }
    return RC_OK;
}

/* When values were written to the accounts, of each property. */
static enum rc_status
see_writes(struct listing *listing)
{
    struct rc_user_write write;
    for (uint32_t i = 0; rc_view_account_write(listing->context->view, i, &write); i++) {
        if (is_cancelled(listing->context, i))
            return RC_CANCELLED;
        if (write.cell == RC_CELL_NULL || write.time_ms > listing->as_of_ms ||
            write.property >= listing->property_count)
            continue;
        struct rc_property_seen *one =
            &listing->seen[listing->key_of[write.user] * listing->property_count + write.property];
        one->first_ms = write.time_ms < one->first_ms ? write.time_ms : one->first_ms;
        one->last_ms = write.time_ms > one->last_ms ? write.time_ms : one->last_ms;
    }
    return RC_OK;
}

enum rc_status
rc_property_list_accounts(const struct rc_query_context *context,
                          int64_t as_of_ms,
                          struct rc_accounts_seen **ret_accounts,
                          uint32_t *ret_key_count,
                          struct rc_property_seen **ret_seen)
{
    struct listing listing = {
        .context = context,
        .properties = rc_view_account_properties(context->view),
        .as_of_ms = as_of_ms,
    };
    listing.property_count = rc_properties_count(listing.properties);
    RC_TRY(find_known(&listing));
    RC_TRY(find_keys(&listing));
    for (uint32_t i = 0; i < listing.property_count; i++)
        RC_TRY(count_property(&listing, i));
    RC_TRY(see_writes(&listing));
    *ret_accounts = listing.accounts;
    *ret_key_count = listing.key_count;
    *ret_seen = listing.seen;
    return RC_OK;
}
