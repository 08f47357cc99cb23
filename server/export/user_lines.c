/*
 * User lines. Texts are UTF-8 without NUL, so only quotes, backslashes and control characters need
 * escaping.
 */
#include "server/export/user_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"

static void
write_text(struct rc_writer *writer, const char *text)
{
    rc_write_raw(writer, text, strlen(text));
}

static void
write_escaped(struct rc_writer *writer, unsigned char byte)
{
    char text[8];
    if (byte == '"' || byte == '\\')
        (void)snprintf(text, sizeof(text), "\\%c", byte);
    else
        (void)snprintf(text, sizeof(text), "\\u%04x", byte);
    write_text(writer, text);
}

static void
write_string(struct rc_writer *writer, struct rc_bytes bytes)
{
    size_t done = 0;
    rc_write_u8(writer, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        const unsigned char byte = (unsigned char)bytes.data[i];
        if (byte >= ' ' && byte != '"' && byte != '\\')
            continue;
        rc_write_raw(writer, bytes.data + done, i - done);
        write_escaped(writer, byte);
        done = i + 1;
    }
    rc_write_raw(writer, bytes.data + done, bytes.size - done);
    rc_write_u8(writer, '"');
}

static void
write_number(struct rc_writer *writer, struct rc_value value)
{
    char text[32];
    rc_write_raw(writer, text, rc_number_text(value, text));
}

static void
write_value(struct rc_writer *writer, struct rc_value value)
{
    switch (value.kind) {
    case RC_VALUE_NULL:
        write_text(writer, "null");
        break;
    case RC_VALUE_BOOL:
        write_text(writer, value.boolean ? "true" : "false");
        break;
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        write_number(writer, value);
        break;
    case RC_VALUE_STRING:
        write_string(writer, value.string);
        break;
    case RC_VALUE_LIST:
        for (uint32_t i = 0; i < value.item_count; i++) {
            rc_write_u8(writer, i == 0 ? '[' : ',');
            write_string(writer, value.items[i]);
        }
        write_text(writer, value.item_count == 0 ? "[]" : "]");
        break;
    }
}

static void
write_properties(struct rc_writer *writer, const struct rc_export_item *item)
{
    rc_write_u8(writer, '{');
    for (uint32_t i = 0; i < item->property_count; i++) {
        if (i > 0)
            rc_write_u8(writer, ',');
        write_string(writer, item->properties[i].name);
        rc_write_u8(writer, ':');
        write_value(writer, item->properties[i].value);
    }
    rc_write_u8(writer, '}');
}

/* The id of an event; what was sent without one gets one that no other has. */
static void
write_id(struct rc_writer *writer, const struct rc_export_item *item)
{
    char text[RC_EVENT_ID_BYTES_MAX + 16];
    if (item->repeat == 0) {
        write_string(writer, item->event_id);
        return;
    }
    const int size = snprintf(text, sizeof(text), "%.*s#%" PRIu32, (int)item->event_id.size,
                              item->event_id.data, item->repeat);
    write_string(writer, (struct rc_bytes){text, (size_t)size});
}

static void
write_head(struct rc_writer *writer, const struct rc_export_item *item)
{
    write_text(writer, "{\"user\":");
    write_string(writer, item->user);
    write_text(writer, ",\"time\":");
    write_number(writer, rc_value_int(item->time_ms));
}

void
rc_user_line_write(struct rc_writer *writer, const struct rc_export_item *item)
{
    switch (item->kind) {
    case RC_EXPORT_ALIAS:
        write_text(writer, "{\"alias\":[");
        write_string(writer, item->user);
        rc_write_u8(writer, ',');
        write_string(writer, item->other);
        write_text(writer, "]}\n");
        return;
    case RC_EXPORT_WRITE:
        write_head(writer, item);
        write_text(writer, ",\"set\":");
        break;
    case RC_EXPORT_EVENT:
        write_head(writer, item);
        write_text(writer, ",\"id\":");
        write_id(writer, item);
        write_text(writer, ",\"properties\":");
        break;
    }
    write_properties(writer, item);
    write_text(writer, "}\n");
}
