/*
 * Page pattern. Where the ids are is learned from the folded text: it is the text itself but for
 * segments that became ":id", and no id begins with a colon, so the two are read side by side.
 */
#include "engine/query/suggest/page_pattern.h"

#include <string.h>

#include "engine/match/derived/derive_text.h"

#define FOLDED ":id"
#define HEX "[0-9a-fA-F]"

struct rc_bytes
rc_page_of_url(struct rc_bytes url)
{
    return (struct rc_bytes){url.data, rc_bytes_find_any(url, 0, "?#")};
}

struct rc_bytes
rc_origin_of_url(struct rc_bytes url)
{
    const struct rc_bytes page = rc_page_of_url(url);
    const size_t slash = rc_bytes_find_any(page, 0, "/");
    const bool scheme = slash > 0 && slash < page.size && page.data[slash - 1] == ':' &&
                        rc_bytes_find_any(page, 0, ":") == slash - 1;
    if ((slash > 0 && !scheme) || slash + 2 >= page.size || page.data[slash + 1] != '/')
        return (struct rc_bytes){NULL, 0};
    const size_t end = rc_bytes_find_any(page, slash + 2, "/");
    return end == slash + 2 ? (struct rc_bytes){NULL, 0} : (struct rc_bytes){page.data, end};
}

static void
put(struct rc_writer *writer, const char *text)
{
    rc_write_raw(writer, text, strlen(text));
}

static void
put_quoted(struct rc_writer *writer, char c)
{
    if (strchr("\\.+*?()[]{}^$|", c) != NULL)
        rc_write_u8(writer, '\\');
    rc_write_u8(writer, (uint8_t)c);
}

static void
put_kind(struct rc_writer *writer, struct rc_bytes id)
{
    if (rc_bytes_find_any(id, 0, "-") < id.size)
        put(writer, HEX "{8}(?:-" HEX "{4}){3}-" HEX "{12}");
    else
        put(writer, rc_bytes_find_any(id, 0, "abcdefABCDEF") < id.size ? HEX "{8,}" : "[0-9]+");
}

static enum rc_status
take(struct rc_writer *writer, struct rc_arena *arena, struct rc_bytes *ret_text)
{
    const char *data =
        writer->failed ? NULL : rc_arena_string(arena, (const char *)writer->data, writer->size);
    if (data == NULL)
        return RC_NO_MEMORY;
    *ret_text = (struct rc_bytes){data, writer->size};
    return RC_OK;
}

enum rc_status
rc_page_folded(struct rc_bytes text,
               struct rc_arena *arena,
               bool *ret_found,
               struct rc_bytes *ret_folded,
               struct rc_bytes *ret_body)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_TRY(rc_text_fold_ids(text, arena, ret_folded));
    *ret_found = !rc_bytes_equal(text, *ret_folded);
    if (!*ret_found)
        return RC_OK;
    const char *folded = ret_folded->data;
    for (size_t at = 0; at < text.size;) {
        if (text.data[at] == *folded) {
            put_quoted(&writer, text.data[at++]);
            folded++;
            continue;
        }
        const size_t end = rc_bytes_find_any(text, at, "/?#");
        put_kind(&writer, (struct rc_bytes){text.data + at, end - at});
        folded += sizeof(FOLDED) - 1;
        at = end;
    }
    return take(&writer, arena, ret_body);
}

enum rc_status
rc_page_quote(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_body)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    for (size_t i = 0; i < text.size; i++)
        put_quoted(&writer, text.data[i]);
    return take(&writer, arena, ret_body);
}

enum rc_status
rc_page_regex(struct rc_bytes body,
              enum rc_page_end end,
              struct rc_arena *arena,
              struct rc_bytes *ret_regex)
{
    static const char *const ends[] = {
        [RC_PAGE_END_TEXT] = "$",
        [RC_PAGE_END_PAGE] = "(?:[?#]|$)",
        [RC_PAGE_END_ORIGIN] = "(?:[/?#]|$)",
    };
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    put(&writer, "^");
    rc_write_raw(&writer, body.data, body.size);
    put(&writer, ends[end]);
    return take(&writer, arena, ret_regex);
}
