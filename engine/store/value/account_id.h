/*
 * Account ids: an account is named by the event property that holds its id and by the id. Both are
 * one key, the property's name, a zero byte and the id, so that accounts are kept as users are:
 * with dense ordinals and a log of writes (people.h), without joins.
 *
 * An id is kept as values of a breakdown are told apart: a numeric text by its number's shortest
 * decimal form. So 7, "7" and "7.0" are one account.
 */
#ifndef RC_STORE_VALUE_ACCOUNT_ID_H
#define RC_STORE_VALUE_ACCOUNT_ID_H

#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/store/value/value.h"

/* The key of an account in arena; its size is 0 where memory is short. */
static inline struct rc_bytes
rc_account_id_make(struct rc_arena *arena, struct rc_bytes account_key, struct rc_bytes id)
{
    char number[32];
    const struct rc_value value = rc_value_group(rc_value_string(id));
    if (value.kind != RC_VALUE_STRING)
        id = (struct rc_bytes){number, rc_number_text(value, number)};
    char *bytes = rc_arena_alloc(arena, account_key.size + 1 + id.size);
    if (bytes == NULL)
        return (struct rc_bytes){"", 0};
    memcpy(bytes, account_key.data, account_key.size);
    bytes[account_key.size] = '\0';
    memcpy(bytes + account_key.size + 1, id.data, id.size);
    return (struct rc_bytes){bytes, account_key.size + 1 + id.size};
}

/* The parts of a key that rc_account_id_make made; without a zero byte all of it is the id. */
static inline struct rc_bytes
rc_account_id_key(struct rc_bytes account)
{
    const char *zero = memchr(account.data, 0, account.size);
    return (struct rc_bytes){account.data, zero == NULL ? 0 : (size_t)(zero - account.data)};
}

static inline struct rc_bytes
rc_account_id_id(struct rc_bytes account)
{
    const char *zero = memchr(account.data, 0, account.size);
    const size_t skip = zero == NULL ? 0 : (size_t)(zero - account.data) + 1;
    return (struct rc_bytes){account.data + skip, account.size - skip};
}

#endif
