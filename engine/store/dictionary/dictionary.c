/*
 * Dictionary: three parts.
 *
 *   pages   the keys' bytes, one after the other: varint size, bytes. Never moved.
 *   records code -> address of the key's record (record_table.h). A hole has none.
 *   slots   an open-addressing table with linear probing of (upper hash bits, code + 1). The bits
 *           make growing cheap (keys are not read again) and spare most compares. The home slot is
 *           hash * slots / 2^32, so the table need not double: it grows by a quarter.
 *
 * 19 to 23 bytes a key beside its own: 8 for the address, 1 or 2 for the size, 10 to 12.5 for slots
 * at a load of 0.64 to 0.8.
 *
 * Who sees what: the one writer reads slots without the lock, since only it changes them, and takes
 * the lock to change them; find takes the lock to read. The count is published with release after
 * the entry's bytes and address are in place; whoever acquired a count reads below it
 * freely. Count and slot change under one lock: whoever saw the count finds the key, and whoever
 * found the key sees the count.
 *
 * A key that is forgotten leaves its slot and keeps its record, since readers may still hold its
 * code.
 *
 * A key that is withdrawn leaves both: nobody holds its code.
 *
 * Invariants (rc_dictionary_check):
 *   1. Every code below the count has a key and finding the key gives the code, or it is a hole, or
 *      one of those forgotten.
 *   2. As many slots are used as there are entries.
 */
#include "engine/store/dictionary/dictionary.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/store/dictionary/record_table.h"

#define SLOTS_FIRST 32u
#define PAGE_BYTES_FIRST ((size_t)512)
#define PAGE_BYTES_MAX ((size_t)64 * 1024)
#define ENTRIES_MAX (UINT32_MAX - 1)

struct page {
    struct page *next; /* The one made before this. */
    size_t capacity;
    size_t used;
    char data[];
};

struct slot {
    uint32_t hash;          /* The upper half; the home slot is a function of it. */
    uint32_t code_plus_one; /* 0: free. */
};

struct rc_dictionary {
    _Atomic uint32_t references;
    uint32_t generation;
    struct rc_account *account;
    struct page *page;
    _Atomic uint32_t count; /* Of codes. */
    uint32_t entry_count;   /* Of those that are no holes and not forgotten. The writer's. */
    _Atomic uint32_t forgotten_count; /* Changed under the lock. */
    _Atomic unsigned char first_byte_max;
    uint64_t key_bytes; /* Of the entries. The writer's. */
    _Atomic uint64_t memory_bytes;
    pthread_mutex_t lock; /* Guards slots against the writer's changes. */
    struct slot *slots;
    uint32_t slot_count;
    struct rc_record_table records;
};

static struct rc_bytes
record_key(const char *record)
{
    const unsigned char *at = (const unsigned char *)record;
    size_t size = 0;
    unsigned shift = 0;
    do {
        size |= (size_t)(*at & 0x7f) << shift;
        shift += 7;
    } while ((*at++ & 0x80) != 0);
    return (struct rc_bytes){(const char *)at, size};
}

static uint32_t
home_of(uint32_t hash, uint32_t slot_count)
{
    return (uint32_t)(((uint64_t)hash * slot_count) >> 32);
}

static void
count_memory(struct rc_dictionary *dictionary, size_t more, size_t less)
{
    const uint64_t bytes = atomic_load_explicit(&dictionary->memory_bytes, memory_order_relaxed);
    atomic_store_explicit(&dictionary->memory_bytes, bytes + more - less, memory_order_relaxed);
}

enum rc_status
rc_dictionary_new(struct rc_account *account, struct rc_dictionary **ret_dictionary)
{
    if (account == NULL)
        account = &rc_account_process;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_dictionary *dictionary = rc_alloc_in(account, sizeof(*dictionary));
    RC_CLEANUP(rc_alloc_freep)
    struct slot *slots = rc_alloc_in(account, SLOTS_FIRST * sizeof(struct slot));
    if (dictionary == NULL || slots == NULL)
        return RC_NO_MEMORY;
    memset(slots, 0, SLOTS_FIRST * sizeof(struct slot));
    *dictionary =
        (struct rc_dictionary){.references = 1, .account = account, .slot_count = SLOTS_FIRST};
    if (pthread_mutex_init(&dictionary->lock, NULL) != 0)
        return RC_NO_MEMORY;
    dictionary->slots = RC_TAKE(slots);
    count_memory(dictionary, sizeof(*dictionary) + SLOTS_FIRST * sizeof(struct slot), 0);
    *ret_dictionary = RC_TAKE(dictionary);
    return RC_OK;
}

enum rc_status
rc_dictionary_new_after(const struct rc_dictionary *before, struct rc_dictionary **ret_dictionary)
{
    RC_TRY(rc_dictionary_new(before->account, ret_dictionary));
    (*ret_dictionary)->generation = before->generation + 1;
    return RC_OK;
}

struct rc_dictionary *
rc_dictionary_ref(struct rc_dictionary *dictionary)
{
    const uint32_t before =
        atomic_fetch_add_explicit(&dictionary->references, 1, memory_order_relaxed);
    RC_ASSERT(before > 0 && before < UINT32_MAX);
    return dictionary;
}

struct rc_dictionary *
rc_dictionary_free(struct rc_dictionary *dictionary)
{
    if (dictionary == NULL ||
        atomic_fetch_sub_explicit(&dictionary->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    while (dictionary->page != NULL) {
        struct page *next = dictionary->page->next;
        rc_alloc_free(dictionary->page);
        dictionary->page = next;
    }
    rc_record_table_close(&dictionary->records);
    rc_alloc_free(dictionary->slots);
    (void)pthread_mutex_destroy(&dictionary->lock);
    return rc_alloc_free(dictionary);
}

static struct rc_bytes
key_at(const struct rc_dictionary *dictionary, uint32_t code)
{
    const char *record = rc_record_table_get(&dictionary->records, code);
    return record == NULL ? (struct rc_bytes){NULL, 0} : record_key(record);
}

/* The slot that holds key, or the free one where it would go. */
static uint32_t
probe(const struct rc_dictionary *dictionary, struct rc_bytes key, uint32_t hash)
{
    uint32_t at = home_of(hash, dictionary->slot_count);
    for (;; at = at + 1 == dictionary->slot_count ? 0 : at + 1) {
        const struct slot *slot = &dictionary->slots[at];
        if (slot->code_plus_one == 0)
            return at;
        if (slot->hash == hash && rc_bytes_equal(key_at(dictionary, slot->code_plus_one - 1), key))
            return at;
    }
}

static enum rc_status
grow_slots(struct rc_dictionary *dictionary, uint64_t grown)
{
    const uint32_t slot_count = grown > UINT32_MAX ? UINT32_MAX : (uint32_t)grown;
    struct slot *slots = rc_alloc_in(dictionary->account, slot_count * sizeof(struct slot));
    if (slots == NULL)
        return RC_NO_MEMORY;
    memset(slots, 0, slot_count * sizeof(struct slot));
    for (uint32_t i = 0; i < dictionary->slot_count; i++) {
        const struct slot slot = dictionary->slots[i];
        if (slot.code_plus_one == 0)
            continue;
        uint32_t at = home_of(slot.hash, slot_count);
        while (slots[at].code_plus_one != 0)
            at = at + 1 == slot_count ? 0 : at + 1;
        slots[at] = slot;
    }
    struct slot *before = dictionary->slots;
    const uint32_t before_count = dictionary->slot_count;
    (void)pthread_mutex_lock(&dictionary->lock);
    dictionary->slots = slots;
    dictionary->slot_count = slot_count;
    (void)pthread_mutex_unlock(&dictionary->lock);
    rc_alloc_free(before);
    count_memory(dictionary, slot_count * sizeof(struct slot), before_count * sizeof(struct slot));
    return RC_OK;
}

/* Room for size more bytes of keys in the newest page. */
static enum rc_status
reserve_bytes(struct rc_dictionary *dictionary, size_t size)
{
    struct page *page = dictionary->page;
    if (page != NULL && page->capacity - page->used >= size)
        return RC_OK;
    size_t capacity = page == NULL ? PAGE_BYTES_FIRST : page->capacity * 2;
    if (capacity > PAGE_BYTES_MAX)
        capacity = PAGE_BYTES_MAX;
    if (capacity < size)
        capacity = size;
    struct page *added = rc_alloc_in(dictionary->account, sizeof(struct page) + capacity);
    if (added == NULL)
        return RC_NO_MEMORY;
    *added = (struct page){.next = page, .capacity = capacity};
    dictionary->page = added;
    count_memory(dictionary, sizeof(struct page) + capacity, 0);
    return RC_OK;
}

static const char *
append_record(struct page *page, struct rc_bytes key)
{
    char *record = page->data + page->used;
    char *at = record;
    size_t rest = key.size;
    for (; rest > 0x7f; rest >>= 7)
        *at++ = (char)(rest | 0x80);
    *at++ = (char)rest;
    if (key.size != 0)
        memcpy(at, key.data, key.size);
    page->used += (size_t)(at - record) + key.size;
    RC_ASSERT(page->used <= page->capacity);
    return record;
}

/* Gives a code its key: the next one, or a hole. */
static enum rc_status
put(struct rc_dictionary *dictionary, uint32_t code, struct rc_bytes key, uint32_t hash)
{
    const char **place = NULL;
    if (key.size > SIZE_MAX / 2)
        return RC_NO_MEMORY;
    RC_TRY(reserve_bytes(dictionary, key.size + 10)); /* A varint takes at most 10. */
    const uint64_t table_bytes = dictionary->records.memory_bytes;
    RC_TRY(rc_record_table_reserve(&dictionary->records, dictionary->account, code, &place));
    count_memory(dictionary, dictionary->records.memory_bytes - table_bytes, 0);
    if ((uint64_t)dictionary->entry_count * 5 >= (uint64_t)dictionary->slot_count * 4)
        RC_TRY(
            grow_slots(dictionary, (uint64_t)dictionary->slot_count + dictionary->slot_count / 4));
    *place = append_record(dictionary->page, key);
    const unsigned char first = key.size == 0 ? 0 : (unsigned char)key.data[0];
    if (first > atomic_load_explicit(&dictionary->first_byte_max, memory_order_relaxed))
        atomic_store_explicit(&dictionary->first_byte_max, first, memory_order_relaxed);
    const uint32_t at = probe(dictionary, key, hash);
    RC_ASSERT(dictionary->slots[at].code_plus_one == 0);
    (void)pthread_mutex_lock(&dictionary->lock);
    if (code == atomic_load_explicit(&dictionary->count, memory_order_relaxed))
        atomic_store_explicit(&dictionary->count, code + 1, memory_order_release);
    dictionary->slots[at] = (struct slot){.hash = hash, .code_plus_one = code + 1};
    (void)pthread_mutex_unlock(&dictionary->lock);
    dictionary->entry_count++;
    dictionary->key_bytes += key.size;
    return RC_OK;
}

static enum rc_status
add(struct rc_dictionary *dictionary, struct rc_bytes key, uint32_t hash, uint32_t *ret_code)
{
    const uint32_t code = atomic_load_explicit(&dictionary->count, memory_order_relaxed);
    if (code >= ENTRIES_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_TRY(put(dictionary, code, key, hash));
    *ret_code = code;
    return RC_OK;
}

uint32_t
rc_dictionary_hash(struct rc_bytes key)
{
    return (uint32_t)(rc_hash(key.data, key.size) >> 32);
}

void
rc_dictionary_prefetch_slot(const struct rc_dictionary *dictionary, uint32_t hash)
{
    __builtin_prefetch(&dictionary->slots[home_of(hash, dictionary->slot_count)]);
}

/* Of the slot whose hash says that it is most likely the key's. */
void
rc_dictionary_prefetch_record(const struct rc_dictionary *dictionary, uint32_t hash)
{
    uint32_t at = home_of(hash, dictionary->slot_count);
    const struct slot *slot = &dictionary->slots[at];
    for (; slot->code_plus_one != 0 && slot->hash != hash; slot = &dictionary->slots[at])
        at = at + 1 == dictionary->slot_count ? 0 : at + 1;
    if (slot->code_plus_one != 0)
        __builtin_prefetch(rc_record_table_get(&dictionary->records, slot->code_plus_one - 1));
}

enum rc_status
rc_dictionary_intern_within(struct rc_dictionary *dictionary,
                            struct rc_bytes key,
                            uint32_t hash,
                            const struct rc_dictionary_bounds *bounds,
                            uint32_t *ret_code)
{
    const struct slot *slot = &dictionary->slots[probe(dictionary, key, hash)];
    if (slot->code_plus_one != 0) {
        *ret_code = slot->code_plus_one - 1;
        return RC_OK;
    }
    if (dictionary->entry_count >= bounds->entries_max ||
        dictionary->key_bytes >= bounds->bytes_max ||
        rc_dictionary_count(dictionary) >= bounds->codes_max)
        return RC_LIMIT_EXCEEDED;
    return add(dictionary, key, hash, ret_code);
}

enum rc_status
rc_dictionary_expect(struct rc_dictionary *dictionary, uint32_t entry_count)
{
    const uint64_t slots = (uint64_t)entry_count * 5 / 4 + 1; /* Four of five are taken at most. */
    return slots <= dictionary->slot_count ? RC_OK : grow_slots(dictionary, slots);
}

enum rc_status
rc_dictionary_intern(struct rc_dictionary *dictionary, struct rc_bytes key, uint32_t *ret_code)
{
    static const struct rc_dictionary_bounds none = RC_DICTIONARY_BOUNDS_NONE;
    return rc_dictionary_intern_within(dictionary, key, rc_dictionary_hash(key), &none, ret_code);
}

/* Takes the slot of a code out, under the lock; false: it has none. */
static bool
remove_slot(struct rc_dictionary *dictionary, uint32_t code)
{
    struct slot *slots = dictionary->slots;
    const uint32_t slot_count = dictionary->slot_count;
    const struct rc_bytes key = rc_dictionary_key(dictionary, code);
    uint32_t free_at = probe(dictionary, key, rc_dictionary_hash(key));
    if (slots[free_at].code_plus_one != code + 1)
        return false;
    /* What was pushed past the slot moves up, so that no probe ends before it. */
    for (uint32_t at = free_at;;) {
        at = at + 1 == slot_count ? 0 : at + 1;
        if (slots[at].code_plus_one == 0)
            break;
        const uint32_t home = home_of(slots[at].hash, slot_count);
        const bool stays =
            free_at < at ? home > free_at && home <= at : home > free_at || home <= at;
        if (stays)
            continue;
        slots[free_at] = slots[at];
        free_at = at;
    }
    slots[free_at] = (struct slot){0};
    dictionary->entry_count--;
    dictionary->key_bytes -= key.size;
    return true;
}

void
rc_dictionary_forget(struct rc_dictionary *dictionary, uint32_t code)
{
    (void)pthread_mutex_lock(&dictionary->lock);
    if (remove_slot(dictionary, code)) /* Else it is a hole, or was forgotten before. */
        atomic_fetch_add_explicit(&dictionary->forgotten_count, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&dictionary->lock);
}

void
rc_dictionary_withdraw(struct rc_dictionary *dictionary, uint32_t first)
{
    const uint32_t count = rc_dictionary_count(dictionary);
    (void)pthread_mutex_lock(&dictionary->lock);
    for (uint32_t code = first; code < count; code++)
        if (remove_slot(dictionary, code))
            rc_record_table_clear(&dictionary->records, code);
    (void)pthread_mutex_unlock(&dictionary->lock);
}

enum rc_status
rc_dictionary_skip(struct rc_dictionary *dictionary, uint32_t count)
{
    const uint32_t code = atomic_load_explicit(&dictionary->count, memory_order_relaxed);
    if (count > ENTRIES_MAX - code)
        return RC_LIMIT_EXCEEDED;
    atomic_store_explicit(&dictionary->count, code + count, memory_order_release);
    return RC_OK;
}

enum rc_status
rc_dictionary_fill(struct rc_dictionary *dictionary, uint32_t code, struct rc_bytes key)
{
    RC_ASSERT(!rc_dictionary_has(dictionary, code));
    return put(dictionary, code, key, rc_dictionary_hash(key));
}

/* Appends the codes of from that are live, in order, with holes for the others. */
static enum rc_status
append_live(struct rc_dictionary *dictionary,
            const struct rc_dictionary *from,
            const uint64_t *live)
{
    const uint32_t count = rc_dictionary_count(from);
    uint32_t holes = 0;
    for (uint32_t code = 0; code < count; code++) {
        if ((live[code / 64] >> (code % 64) & 1) == 0 || !rc_dictionary_has(from, code)) {
            holes++;
            continue;
        }
        uint32_t same = 0;
        if (holes > 0)
            RC_TRY(rc_dictionary_skip(dictionary, holes));
        holes = 0;
        RC_TRY(rc_dictionary_intern(dictionary, key_at(from, code), &same));
        RC_ASSERT(same == code);
    }
    return rc_dictionary_skip(dictionary, holes);
}

enum rc_status
rc_dictionary_rebuild(const struct rc_dictionary *dictionary,
                      const uint64_t *live,
                      struct rc_dictionary **ret_rebuilt)
{
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *rebuilt = NULL;
    RC_TRY(rc_dictionary_new_after(dictionary, &rebuilt));
    RC_TRY(append_live(rebuilt, dictionary, live));
    *ret_rebuilt = RC_TAKE(rebuilt);
    return RC_OK;
}

uint32_t
rc_dictionary_generation(const struct rc_dictionary *dictionary)
{
    return dictionary->generation;
}

uint32_t
rc_dictionary_find(const struct rc_dictionary *dictionary, struct rc_bytes key)
{
    const uint32_t hash = rc_dictionary_hash(key);
    pthread_mutex_t *lock = (pthread_mutex_t *)&dictionary->lock;
    (void)pthread_mutex_lock(lock);
    const uint32_t code_plus_one = dictionary->slots[probe(dictionary, key, hash)].code_plus_one;
    (void)pthread_mutex_unlock(lock);
    return code_plus_one == 0 ? RC_CODE_NONE : code_plus_one - 1;
}

unsigned char
rc_dictionary_first_byte_max(const struct rc_dictionary *dictionary)
{
    (void)rc_dictionary_count(dictionary); /* Acquires what was set before the code. */
    return atomic_load_explicit(&dictionary->first_byte_max, memory_order_relaxed);
}

bool
rc_dictionary_has(const struct rc_dictionary *dictionary, uint32_t code)
{
    RC_ASSERT(code < rc_dictionary_count(dictionary));
    return rc_record_table_get(&dictionary->records, code) != NULL;
}

struct rc_bytes
rc_dictionary_key(const struct rc_dictionary *dictionary, uint32_t code)
{
    RC_ASSERT(code < rc_dictionary_count(dictionary));
    return key_at(dictionary, code);
}

uint32_t
rc_dictionary_count(const struct rc_dictionary *dictionary)
{
    return atomic_load_explicit(&dictionary->count, memory_order_acquire);
}

uint32_t
rc_dictionary_entry_count(const struct rc_dictionary *dictionary)
{
    return dictionary->entry_count;
}

uint64_t
rc_dictionary_key_bytes(const struct rc_dictionary *dictionary)
{
    return dictionary->key_bytes;
}

uint64_t
rc_dictionary_memory_bytes(const struct rc_dictionary *dictionary)
{
    return atomic_load_explicit(&dictionary->memory_bytes, memory_order_relaxed);
}

/* Slots of codes below count, and how many keys were forgotten by then. */
static uint32_t
count_slots(const struct rc_dictionary *dictionary, uint32_t count, uint32_t *ret_forgotten)
{
    uint32_t used = 0;
    pthread_mutex_t *lock = (pthread_mutex_t *)&dictionary->lock;
    (void)pthread_mutex_lock(lock);
    for (uint32_t i = 0; i < dictionary->slot_count; i++)
        used +=
            dictionary->slots[i].code_plus_one != 0 && dictionary->slots[i].code_plus_one <= count;
    *ret_forgotten = atomic_load_explicit(&dictionary->forgotten_count, memory_order_relaxed);
    (void)pthread_mutex_unlock(lock);
    return used;
}

/* The writer may go on meanwhile; while it forgets keys, only what is lost for good is found. */
enum rc_status
rc_dictionary_check(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    struct rc_error *reterr_error)
{
    uint32_t forgotten_before = 0;
    RC_ASSERT(count <= rc_dictionary_count(dictionary));
    (void)count_slots(dictionary, 0, &forgotten_before);
    uint32_t forgotten = 0;
    uint32_t entries = 0;
    uint32_t lost = 0;
    uint32_t last_lost = 0;
    for (uint32_t code = 0; code < count; code++) {
        if (!rc_dictionary_has(dictionary, code))
            continue;
        entries++;
        if (rc_dictionary_find(dictionary, key_at(dictionary, code)) == code)
            continue;
        lost++;
        last_lost = code;
    }
    const uint32_t used = count_slots(dictionary, count, &forgotten);
    const bool still = forgotten == forgotten_before;
    if (lost > forgotten)
        return rc_error_set(reterr_error, RC_CORRUPT, "entry %u of a dictionary is lost",
                            last_lost);
    if (still && used + lost != entries)
        return rc_error_set(reterr_error, RC_CORRUPT, "a dictionary of %u keys uses %u slots",
                            entries - lost, used);
    return RC_OK;
}
