/*
 * Table: cells are kept until all are known, then each column is as wide as its widest cell. If the
 * table is wider than the terminal, the widest left-aligned column gives way.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render/paint.h"
#include "cli/session/message.h"

#define COLUMNS_MAX 64
#define GAP 2

struct rc_table {
    struct rc_arena *arena;
    const char *align; /* Owned by the arena. */
    size_t columns;
    struct rc_pointer_list cells;
};

struct rc_table *
rc_table_new(const char *align)
{
    struct rc_arena *arena = rc_need(rc_arena_new(NULL, 0));
    struct rc_table *table = rc_need(rc_arena_zero(arena, sizeof(*table)));
    table->arena = arena;
    table->columns = strnlen(align, COLUMNS_MAX);
    table->align = rc_text_copy(arena, align);
    return table;
}

struct rc_table *
rc_table_free(struct rc_table *table)
{
    if (table != NULL)
        rc_arena_free(table->arena);
    return NULL;
}

void
rc_table_add(struct rc_table *table, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    const int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    rc_need(size < 0 ? NULL : text);
    rc_pointer_list_add(table->arena, &table->cells, rc_text_copy(table->arena, text));
    free(text);
}

static void
measure(const struct rc_table *table, unsigned width_max, unsigned widths[COLUMNS_MAX])
{
    unsigned total = 0;
    size_t widest = table->columns;
    memset(widths, 0, COLUMNS_MAX * sizeof(*widths));
    for (size_t i = 0; i < table->cells.count; i++) {
        const unsigned width = rc_paint_text_width(table->cells.items[i]);
        unsigned *column = &widths[i % table->columns];
        *column = width > *column ? width : *column;
    }
    for (size_t i = 0; i < table->columns; i++) {
        total += widths[i] + (i == 0 ? 0 : GAP);
        if (table->align[i] == 'l' && (widest == table->columns || widths[i] > widths[widest]))
            widest = i;
    }
    if (total > width_max && widest < table->columns) {
        const unsigned over = total - width_max;
        widths[widest] = widths[widest] > over + 12 ? widths[widest] - over : 12;
    }
}

void
rc_table_paint(const struct rc_table *table, const struct rc_paint *paint)
{
    unsigned widths[COLUMNS_MAX];
    measure(table, paint->width, widths);
    for (size_t i = 0; i < table->cells.count; i++) {
        const size_t column = i % table->columns;
        const char *text = table->cells.items[i];
        const unsigned width = rc_paint_text_width(text);
        const unsigned pad = width < widths[column] ? widths[column] - width : 0;
        const bool right = table->align[column] == 'r';
        const bool last = column + 1 == table->columns;
        fprintf(paint->out, "%*s", (int)((column == 0 ? 0 : GAP) + (right ? pad : 0)), "");
        rc_paint_begin(paint, i < table->columns ? RC_INK_FAINT : RC_INK_PLAIN);
        rc_paint_text(paint, text, widths[column]);
        rc_paint_end(paint);
        fprintf(paint->out, "%*s%s", right || last ? 0 : (int)pad, "", last ? "\n" : "");
    }
}
