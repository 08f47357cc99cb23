/* Match key: the stored form of the predicate, hashed once. */
#include "engine/match/predicate/match_key.h"

#include "engine/base/hash.h"

enum rc_status
rc_match_key_of(const struct rc_predicate *predicate,
                struct rc_arena *arena,
                struct rc_match_key *ret_key)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_predicate_write(&writer, predicate);
    const char *copy = writer.failed ? NULL : rc_arena_copy(arena, writer.data, writer.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_key = rc_match_key_of_bytes((struct rc_bytes){copy, writer.size});
    return RC_OK;
}

struct rc_match_key
rc_match_key_of_bytes(struct rc_bytes bytes)
{
    return (struct rc_match_key){rc_hash(bytes.data, bytes.size), bytes};
}
