/*
 * Column of a batch under construction: one property, a dictionary of its distinct values, and a
 * code for each row; written as recount.v1.PropertyColumn.
 *
 * Ownership: a column owns its arrays and borrows its name. A zeroed struct is an empty column.
 * Threading: one thread at a time.
 * Units:     rows of the batch from 0; each row is set at most once, in ascending order.
 * Errors:    RC_NO_MEMORY leaves the row unset.
 */
#ifndef RC_LOADERS_PACK_COLUMN_H
#define RC_LOADERS_PACK_COLUMN_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "loaders/pack_dictionary.h"

struct rc_pack_column {
    struct rc_bytes name; /* Borrowed. */
    struct rc_pack_texts texts;
    struct rc_pack_numbers ints;
    struct rc_pack_numbers doubles;
    uint32_t *list_elements; /* Codes of texts. */
    size_t list_element_capacity;
    uint32_t *list_ends;
    size_t list_end_capacity;
    uint32_t list_element_count;
    uint32_t list_count;
    uint32_t *marks; /* A kind and an index for each row below row_end; see pack_column.c. */
    size_t mark_capacity;
    uint32_t row_end;   /* Rows from here on are not set. */
    uint32_t set_count; /* Rows that are set. */
    bool has_fixed;     /* Some of them to null or a boolean. */
};

void
rc_pack_column_close(struct rc_pack_column *column);

/* Forgets the rows and values, keeps the name and the memory. */
void
rc_pack_column_reset(struct rc_pack_column *column);

RC_MUST_USE enum rc_status
rc_pack_column_set_null(struct rc_pack_column *column, uint32_t row);
RC_MUST_USE enum rc_status
rc_pack_column_set_bool(struct rc_pack_column *column, uint32_t row, bool value);
RC_MUST_USE enum rc_status
rc_pack_column_set_int(struct rc_pack_column *column, uint32_t row, int64_t value);
RC_MUST_USE enum rc_status
rc_pack_column_set_double(struct rc_pack_column *column, uint32_t row, double value);
/* hint: an earlier row that may well have the same text (of the same user), or row itself for none:
 * comparing with one text is quicker than looking for it. */
RC_MUST_USE enum rc_status
rc_pack_column_set_text(struct rc_pack_column *column,
                        uint32_t row,
                        uint32_t hint,
                        struct rc_bytes text);
/* The same in two steps, without a hint: see pack_dictionary.h. */
static inline uint64_t
rc_pack_column_begin_text(const struct rc_pack_column *column, struct rc_bytes text)
{
    return rc_pack_texts_begin(&column->texts, text);
}
RC_MUST_USE enum rc_status
rc_pack_column_end_text(struct rc_pack_column *column,
                        uint32_t row,
                        struct rc_bytes text,
                        uint64_t begun);
/* Gives row, if it is the one behind the last, the value of an earlier row. false: row is not set:
 * the earlier one is not, or there is no room at hand. */
RC_MUST_USE static inline bool
rc_pack_column_set_same(struct rc_pack_column *column, uint32_t row, uint32_t before)
{
    if (row != column->row_end || before >= row || row >= column->mark_capacity ||
        column->marks[before] == 0)
        return false;
    column->marks[row] = column->marks[before];
    column->row_end = row + 1;
    column->set_count++;
    return true;
}

RC_MUST_USE enum rc_status
rc_pack_column_set_list(struct rc_pack_column *column,
                        uint32_t row,
                        const struct rc_bytes *items,
                        uint32_t count);

/* Bytes of the dictionaries, to keep a batch small. O(1). */
size_t
rc_pack_column_bytes(const struct rc_pack_column *column);

/* Bytes of the message for a batch of row_count rows; and the message itself, exactly as long. */
size_t
rc_pack_column_size(const struct rc_pack_column *column, uint32_t row_count);

unsigned char *
rc_pack_column_put(const struct rc_pack_column *column, uint32_t row_count, unsigned char *at);

/* The size of a StringTable message and the message, for the tables' users and ids too. */
size_t
rc_pack_texts_size(const struct rc_pack_texts *texts);

unsigned char *
rc_pack_texts_put(const struct rc_pack_texts *texts, unsigned char *at);

#endif
