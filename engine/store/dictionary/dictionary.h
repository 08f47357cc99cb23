/*
 * Dictionary: byte string -> dense code, for text that repeats. One per project and property (of
 * strings, lists and the odd number that does not fit a cell), and one for the users' sent ids.
 *
 * Codes count from 0 in the order of arrival, and whatever was evaluated for codes below n stays
 * true when it grows. A dictionary never loses an entry; a rebuilt one (rc_dictionary_rebuild) has
 * the same codes for what lives and holes for the rest. A hole's code is never given to another
 * key, so what was evaluated for a dictionary is true for those rebuilt from it.
 *
 * Ownership: counted: rc_dictionary_ref, rc_dictionary_free. The dictionary owns its bytes; an
 *            entry's address never changes while it lives.
 * Threading: one writer (intern). Any thread may read codes below a count that it got from
 *            rc_dictionary_count, without a lock; find takes a short lock of its own. Counting
 *            references is atomic.
 * Errors:    RC_NO_MEMORY leaves it as it was. RC_LIMIT_EXCEEDED past 2^32 - 2 codes.
 */
#ifndef RC_STORE_DICTIONARY_DICTIONARY_H
#define RC_STORE_DICTIONARY_DICTIONARY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_dictionary;

/* How much a dictionary may hold. */
struct rc_dictionary_bounds {
    uint32_t entries_max; /* Holes do not count. */
    uint32_t codes_max;   /* Holes count. */
    uint64_t bytes_max;   /* Of keys. The entry that reaches it is the last. */
};

#define RC_DICTIONARY_BOUNDS_NONE          \
    {                                      \
        UINT32_MAX, UINT32_MAX, UINT64_MAX \
    }

#define RC_CODE_NONE UINT32_MAX

RC_MUST_USE enum rc_status
rc_dictionary_new(struct rc_account *account, struct rc_dictionary **ret_dictionary);

/* An empty one to come in another's place: of the same account, its generation one more. */
RC_MUST_USE enum rc_status
rc_dictionary_new_after(const struct rc_dictionary *before, struct rc_dictionary **ret_dictionary);

struct rc_dictionary *
rc_dictionary_ref(struct rc_dictionary *dictionary);

/* Gives a reference back; the last one frees. */
struct rc_dictionary *
rc_dictionary_free(struct rc_dictionary *dictionary);

RC_DEFINE_CLEANUP(struct rc_dictionary *, rc_dictionary_free)

/* Makes room for so many entries at once: each that is added later moves none. Writer only. */
RC_MUST_USE enum rc_status
rc_dictionary_expect(struct rc_dictionary *dictionary, uint32_t entry_count);

/* The code of key, which is added when it is new. Writer only. */
RC_MUST_USE enum rc_status
rc_dictionary_intern(struct rc_dictionary *dictionary, struct rc_bytes key, uint32_t *ret_code);

/* For the next four: a key that is looked up in several dictionaries is hashed once. */
uint32_t
rc_dictionary_hash(struct rc_bytes key);

/* Says that a key of this hash is looked up soon, so that the lookups of many keys wait for memory
 * together: all keys' slots first, then all records. Changes nothing. Writer only. */
void
rc_dictionary_prefetch_slot(const struct rc_dictionary *dictionary, uint32_t hash);

void
rc_dictionary_prefetch_record(const struct rc_dictionary *dictionary, uint32_t hash);

/* The code of key, which is added when it is new and there is room. Writer only.
 * RC_LIMIT_EXCEEDED: it is new, and the dictionary holds as much as bounds say. An answer. */
RC_MUST_USE enum rc_status
rc_dictionary_intern_within(struct rc_dictionary *dictionary,
                            struct rc_bytes key,
                            uint32_t hash,
                            const struct rc_dictionary_bounds *bounds,
                            uint32_t *ret_code);

/* A dictionary with the keys whose codes have a bit in live, under the same codes, and holes for
 * the others; as many codes are taken. Its generation is one more. Read by the writer only. */
RC_MUST_USE enum rc_status
rc_dictionary_rebuild(const struct rc_dictionary *dictionary,
                      const uint64_t *live,
                      struct rc_dictionary **ret_rebuilt);

/* Gives a hole a key that no other code finds. For one that is being made: a reader who saw the
 * hole would go on seeing it. */
RC_MUST_USE enum rc_status
rc_dictionary_fill(struct rc_dictionary *dictionary, uint32_t code, struct rc_bytes key);

/* Writer: finding the key of a code gives RC_CODE_NONE from now on, interning it a new code. The
 * bytes stay readable by code as long as the dictionary lives. Nothing happens to a hole. */
void
rc_dictionary_forget(struct rc_dictionary *dictionary, uint32_t code);

/* Writer: takes back the keys of the codes from first on, of which no reader knows: they are holes
 * from now on. */
void
rc_dictionary_withdraw(struct rc_dictionary *dictionary, uint32_t first);

/* How often it was rebuilt. What was evaluated for all codes of one generation is true for later
 * ones, but holes of a later one may be keys of an earlier: do not carry that back. */
uint32_t
rc_dictionary_generation(const struct rc_dictionary *dictionary);

/* The code of key, or RC_CODE_NONE. */
uint32_t
rc_dictionary_find(const struct rc_dictionary *dictionary, struct rc_bytes key);

/* No key of a code that is published begins with a greater byte; 0 when there is none. For whoever
 * looks for keys of one kind (value_key.h) and would rather not. */
unsigned char
rc_dictionary_first_byte_max(const struct rc_dictionary *dictionary);

/* Whether a code below the count has a key: it is no hole. O(1). */
bool
rc_dictionary_has(const struct rc_dictionary *dictionary, uint32_t code);

/* The key of a code below the count; empty, with data NULL, for a hole. Borrowed; lives as long as
 * the dictionary. O(1). */
struct rc_bytes
rc_dictionary_key(const struct rc_dictionary *dictionary, uint32_t code);

/* Codes published so far, holes included (acquire). */
uint32_t
rc_dictionary_count(const struct rc_dictionary *dictionary);

/* Entries that are no holes and not forgotten, and the bytes of their keys. Writer only. */
uint32_t
rc_dictionary_entry_count(const struct rc_dictionary *dictionary);

uint64_t
rc_dictionary_key_bytes(const struct rc_dictionary *dictionary);

uint64_t
rc_dictionary_memory_bytes(const struct rc_dictionary *dictionary);

/* Verifies that the key of every code below count finds it. O(codes). */
RC_MUST_USE enum rc_status
rc_dictionary_check(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    struct rc_error *reterr_error);

/* Stored form: varint count of codes, then the keys (varint size, bytes) in code order. No key is
 * empty: a size of 0 is followed by the varint number of holes here. live: a bit for each code that
 * is to be kept, the others become holes; NULL: all are. */
void
rc_dictionary_write(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    const uint64_t *live,
                    struct rc_writer *writer);

/* Reads a stored dictionary into an empty one. RC_CORRUPT: broken bytes or repeats. */
RC_MUST_USE enum rc_status
rc_dictionary_read(struct rc_dictionary *dictionary,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error);

/* For reading: takes count codes as holes. RC_LIMIT_EXCEEDED: more codes than there can be. */
RC_MUST_USE enum rc_status
rc_dictionary_skip(struct rc_dictionary *dictionary, uint32_t count);

#endif
