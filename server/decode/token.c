/*
 * Page tokens: base64url without padding of 8 bytes hash of the binding and the place, then the
 * place.
 */
#include "server/decode/token.h"

#include "engine/base/hash.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define SEAL_BYTES 8

static uint64_t
seal_of(uint64_t binding, const void *place, size_t size)
{
    return rc_hash_seeded(place, size, binding);
}

char *
rc_token_write(struct rc_arena *arena, uint64_t binding, struct rc_bytes place)
{
    const size_t size = SEAL_BYTES + place.size;
    unsigned char *raw = rc_arena_alloc(arena, size + 3);
    char *text = rc_arena_alloc(arena, (size + 2) / 3 * 4 + 1);
    if (raw == NULL || text == NULL)
        return NULL;
    const uint64_t seal = seal_of(binding, place.data, place.size);
    memcpy(raw, &seal, SEAL_BYTES);
    if (place.size > 0)
        memcpy(raw + SEAL_BYTES, place.data, place.size);
    memset(raw + size, 0, 3);
    size_t at = 0;
    for (size_t i = 0; i < size; i += 3) {
        const uint32_t word =
            (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | (uint32_t)raw[i + 2];
        text[at++] = alphabet[word >> 18];
        text[at++] = alphabet[word >> 12 & 63];
        text[at++] = alphabet[word >> 6 & 63];
        text[at++] = alphabet[word & 63];
    }
    text[(size * 8 + 5) / 6] = '\0';
    return text;
}

static int
digit_of(char c)
{
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    return found == NULL ? -1 : (int)(found - alphabet);
}

static enum rc_status
refuse(struct rc_error *error)
{
    return rc_error_field(error, RC_INVALID, "page_token",
                          "the page token is not one of this list");
}

enum rc_status
rc_token_read(struct rc_arena *arena,
              uint64_t binding,
              const char *token,
              struct rc_bytes *ret_place,
              struct rc_error *reterr_error)
{
    const size_t length = strlen(token);
    if (length == 0) {
        *ret_place = (struct rc_bytes){"", 0};
        return RC_OK;
    }
    const size_t size = length * 6 / 8;
    unsigned char *raw = rc_arena_alloc(arena, size + 1);
    if (raw == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a page token");
    uint32_t word = 0;
    uint32_t bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        const int digit = digit_of(token[i]);
        if (digit < 0)
            return refuse(reterr_error);
        word = (word << 6 | (uint32_t)digit) & 0xffffu;
        bits += 6;
        if (bits >= 8 && at < size) {
            bits -= 8;
            raw[at++] = (unsigned char)(word >> bits);
        }
    }
    uint64_t seal = 0;
    if (size < SEAL_BYTES)
        return refuse(reterr_error);
    memcpy(&seal, raw, SEAL_BYTES);
    if (seal != seal_of(binding, raw + SEAL_BYTES, size - SEAL_BYTES))
        return refuse(reterr_error);
    *ret_place = (struct rc_bytes){(const char *)raw + SEAL_BYTES, size - SEAL_BYTES};
    return RC_OK;
}
