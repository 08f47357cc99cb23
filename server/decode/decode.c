/* Decode: the path of the place at fault. */
#include "server/decode/decode.h"

#include <stdio.h>

/* What of a text fits behind the path. */
static void
put_path(struct rc_decode *decode, const char *text, size_t size)
{
    const size_t room = sizeof(decode->path) - 1 - decode->path_size;
    memcpy(decode->path + decode->path_size, text, size < room ? size : room);
    decode->path_size += size < room ? size : room;
    decode->path[decode->path_size] = '\0';
}

size_t
rc_decode_enter(struct rc_decode *decode, const char *name)
{
    const size_t mark = decode->path_size;
    if (mark > 0)
        put_path(decode, ".", 1);
    put_path(decode, name, strlen(name));
    return mark;
}

size_t
rc_decode_enter_item(struct rc_decode *decode, const char *list, size_t place)
{
    const size_t mark = decode->path_size;
    if (mark > 0 && list[0] != '\0')
        put_path(decode, ".", 1);
    rc_error_item(decode->path + decode->path_size, sizeof(decode->path) - decode->path_size, list,
                  place, "");
    decode->path_size += strlen(decode->path + decode->path_size);
    return mark;
}

void
rc_decode_leave(struct rc_decode *decode, size_t mark)
{
    decode->path_size = mark;
    decode->path[mark] = '\0';
}

enum rc_status
rc_decode_fail(struct rc_decode *decode,
               enum rc_status status,
               const char *field,
               const char *format,
               ...)
{
    char message[RC_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)rc_error_field(decode->error, status, field, "%s", message);
    if (decode->path_size > 0)
        rc_error_prefix(decode->error, "%s", decode->path);
    return status;
}

enum rc_status
rc_decode_unsupported(struct rc_decode *decode, const char *field)
{
    return rc_decode_fail(decode, RC_UNSUPPORTED, field, "%s is not supported yet",
                          field[0] != '\0' ? field : "this");
}

enum rc_status
rc_decode_no_memory(struct rc_decode *decode)
{
    return rc_error_set(decode->error, RC_NO_MEMORY, "no memory for the request");
}

enum rc_status
rc_decode_properties(struct rc_decode *decode,
                     char *const *in,
                     size_t count,
                     const struct rc_bytes **ret_names,
                     uint32_t *ret_count)
{
    struct rc_bytes *names = RC_ARENA_ARRAY(decode->arena, struct rc_bytes, count + 1);
    if (names == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < count; i++) {
        names[i] = rc_bytes_of(in[i]);
        if (names[i].size > 0)
            continue;
        (void)rc_decode_enter_item(decode, "properties", i);
        return rc_decode_fail(decode, RC_INVALID, "", "the property is missing");
    }
    *ret_names = names;
    *ret_count = (uint32_t)count;
    return RC_OK;
}
