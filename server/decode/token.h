/*
 * Page tokens: an opaque text that says where a list goes on. It is bound to the request that it
 * came from (but not to its page size), and it names the last row seen, not a position, so that
 * what arrives in between neither repeats nor hides a row.
 *
 * Ownership: results come from the arena.
 * Threading: pure functions.
 * Errors:    RC_INVALID, field "page_token": not a token of this server, or one of another request.
 */
#ifndef RC_SERVER_DECODE_TOKEN_H
#define RC_SERVER_DECODE_TOKEN_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* The token of a place in the list of the request whose hash is binding. NULL: no memory. */
char *
rc_token_write(struct rc_arena *arena, uint64_t binding, struct rc_bytes place);

/* The place that a token names; empty for the empty token. */
RC_MUST_USE enum rc_status
rc_token_read(struct rc_arena *arena,
              uint64_t binding,
              const char *token,
              struct rc_bytes *ret_place,
              struct rc_error *reterr_error);

#endif
