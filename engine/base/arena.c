/*
 * Arena: a list of chunks, each twice the last up to 4 MiB; a request larger than a chunk gets one
 * of its own. Nothing is ever returned singly.
 */
#include "engine/base/arena.h"

#include <string.h>

#include "engine/base/assert.h"

#define CHUNK_BYTES_FIRST ((size_t)8 * 1024)
#define CHUNK_BYTES_SMALL ((size_t)208) /* 256 with its headers. */
#define CHUNK_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ALIGNMENT ((size_t)16)

struct chunk {
    struct chunk *next; /* The one made before this. */
    size_t capacity;
    size_t used;
    size_t padding_; /* Keeps data 16-byte aligned. */
    unsigned char data[];
};

_Static_assert(sizeof(struct chunk) % 16 == 0, "chunk data must be 16-byte aligned");

struct rc_arena {
    struct rc_account *account;
    struct chunk *chunk; /* The newest; the oldest is at the end of the list. */
    size_t first_bytes;  /* Of the first chunk. */
    uint64_t limit_bytes;
    uint64_t bytes;
};

static struct rc_arena *
arena_new(struct rc_account *account, uint64_t limit_bytes, size_t first_bytes)
{
    if (account == NULL)
        account = &rc_account_process;
    struct rc_arena *arena = rc_alloc_in(account, sizeof(*arena));
    if (arena != NULL)
        *arena = (struct rc_arena){
            .account = account, .limit_bytes = limit_bytes, .first_bytes = first_bytes};
    return arena;
}

struct rc_arena *
rc_arena_new(struct rc_account *account, uint64_t limit_bytes)
{
    return arena_new(account, limit_bytes, CHUNK_BYTES_FIRST);
}

struct rc_arena *
rc_arena_new_small(struct rc_account *account)
{
    return arena_new(account, 0, CHUNK_BYTES_SMALL);
}

static void
drop_chunks(struct rc_arena *arena, const struct chunk *keep)
{
    while (arena->chunk != keep) {
        struct chunk *next = arena->chunk->next;
        arena->bytes -= arena->chunk->capacity + sizeof(struct chunk);
        rc_alloc_free(arena->chunk);
        arena->chunk = next;
    }
}

struct rc_arena *
rc_arena_free(struct rc_arena *arena)
{
    if (arena != NULL)
        drop_chunks(arena, NULL);
    return rc_alloc_free(arena);
}

void
rc_arena_reset(struct rc_arena *arena)
{
    struct chunk *oldest = arena->chunk;
    while (oldest != NULL && oldest->next != NULL)
        oldest = oldest->next;
    drop_chunks(arena, oldest);
    if (oldest != NULL)
        oldest->used = 0;
}

static struct chunk *
add_chunk(struct rc_arena *arena, size_t needed)
{
    size_t capacity = arena->chunk == NULL ? arena->first_bytes : arena->chunk->capacity * 2;
    if (capacity > CHUNK_BYTES_MAX)
        capacity = CHUNK_BYTES_MAX;
    if (capacity < needed)
        capacity = needed;
    const uint64_t bytes = capacity + sizeof(struct chunk);
    if (arena->limit_bytes != 0 && arena->bytes + bytes > arena->limit_bytes)
        return NULL;
    struct chunk *chunk = rc_alloc_in(arena->account, bytes);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct chunk){.next = arena->chunk, .capacity = capacity};
    arena->chunk = chunk;
    arena->bytes += bytes;
    return chunk;
}

void *
rc_arena_alloc(struct rc_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    const size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct chunk *chunk = arena->chunk;
    if (chunk == NULL || chunk->capacity - chunk->used < rounded) {
        chunk = add_chunk(arena, rounded);
        if (chunk == NULL)
            return NULL;
    }
    void *block = chunk->data + chunk->used;
    chunk->used += rounded;
    RC_ASSERT(chunk->used <= chunk->capacity);
    return block;
}

void *
rc_arena_zero(struct rc_arena *arena, size_t size)
{
    void *block = rc_arena_alloc(arena, size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *
rc_arena_array(struct rc_arena *arena, size_t count, size_t element_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, element_bytes, &bytes))
        return NULL;
    return rc_arena_zero(arena, bytes);
}

void *
rc_arena_copy(struct rc_arena *arena, const void *bytes, size_t size)
{
    void *block = rc_arena_alloc(arena, size);
    if (block != NULL && size != 0)
        memcpy(block, bytes, size);
    return block;
}

char *
rc_arena_string(struct rc_arena *arena, const char *bytes, size_t size)
{
    char *text = size == SIZE_MAX ? NULL : rc_arena_alloc(arena, size + 1);
    if (text == NULL)
        return NULL;
    if (size != 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

uint64_t
rc_arena_bytes(const struct rc_arena *arena)
{
    return arena->bytes;
}
