/*
 * Labels of definitions, and lists of those that are wanted. A list reads the labels of an entry
 * only where labels are asked for, and never its predicate.
 */
#include "server/entry/definition_labels.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/leaf/fold.h"
#include "server/encode/encode.h"

enum rc_status
rc_encode_labels(struct rc_arena *arena,
                 const struct rc_definition *definition,
                 Recount__V1__Definition *out)
{
    RC_NEW_ARRAY(arena, out->labels, Recount__V1__Label *, definition->label_count);
    out->n_labels = definition->label_count;
    for (uint32_t i = 0; i < definition->label_count; i++) {
        RC_NEW(arena, out->labels[i], recount__v1__label__descriptor);
        RC_NEW_TEXT(arena, out->labels[i]->key, definition->labels[i].key);
        RC_NEW_TEXT(arena, out->labels[i]->value, definition->labels[i].value);
    }
    return RC_OK;
}

static int
compare_labels(const void *a, const void *b)
{
    const struct rc_label *x = a;
    const struct rc_label *y = b;
    return rc_bytes_compare(x->key, y->key);
}

static enum rc_status
check_key(struct rc_decode *decode, const char *field, const char *key)
{
    struct rc_error error;
    if (strlen(key) > RC_LABEL_KEY_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, field, "the key of a label has at most %u bytes",
                              RC_LABEL_KEY_BYTES_MAX);
    const enum rc_status status = rc_catalog_check_name(rc_bytes_of(key), field, &error);
    return status == RC_OK ? RC_OK : rc_decode_fail(decode, status, field, "%s", error.message);
}

enum rc_status
rc_decode_labels(struct rc_decode *decode,
                 const Recount__V1__Definition *in,
                 struct rc_definition *definition)
{
    if (in->n_labels > RC_LABELS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "labels", "a definition has at most %u labels",
                              RC_LABELS_MAX);
    struct rc_label *labels = RC_ARENA_ARRAY(decode->arena, struct rc_label, in->n_labels + 1);
    if (labels == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_labels; i++) {
        const size_t mark = rc_decode_enter_item(decode, "labels", i);
        RC_TRY(check_key(decode, "key", in->labels[i]->key));
        if (strlen(in->labels[i]->value) > RC_LABEL_VALUE_BYTES_MAX)
            return rc_decode_fail(decode, RC_INVALID, "value", "a label has at most %u bytes",
                                  RC_LABEL_VALUE_BYTES_MAX);
        labels[i] = (struct rc_label){.key = rc_bytes_of(in->labels[i]->key),
                                      .value = rc_bytes_of(in->labels[i]->value)};
        rc_decode_leave(decode, mark);
    }
    qsort(labels, in->n_labels, sizeof(*labels), compare_labels);
    for (size_t i = 1; i < in->n_labels; i++)
        if (rc_bytes_equal(labels[i - 1].key, labels[i].key))
            return rc_decode_fail(decode, RC_INVALID, "labels",
                                  "there are two labels of the key \"%.*s\"",
                                  (int)labels[i].key.size, labels[i].key.data);
    definition->labels = labels;
    definition->label_count = (uint32_t)in->n_labels;
    return RC_OK;
}

static bool
has_label(const struct rc_label *labels, uint32_t count, const Recount__V1__LabelFilter *wanted)
{
    for (uint32_t i = 0; i < count; i++)
        if (rc_bytes_equal(labels[i].key, rc_bytes_of(wanted->key)))
            return wanted->optional_value_case == 0 ||
                   rc_bytes_equal(labels[i].value, rc_bytes_of(wanted->value));
    return false;
}

static enum rc_status
passes(struct rc_entry_filter *filter, const struct rc_catalog_entry *entry, bool *ret_passes)
{
    struct rc_definition_filter *list = (struct rc_definition_filter *)filter;
    const struct rc_label *labels;
    uint32_t count;
    *ret_passes = false;
    if (list->contains.size > 0) {
        const struct rc_bytes text = rc_fold_text(
            entry->display_name.size > 0 ? entry->display_name : entry->name, &list->folded);
        if (text.size == 0 ||
            memmem(text.data, text.size, list->contains.data, list->contains.size) == NULL)
            return RC_OK;
    }
    if (list->in->n_labels > 0) {
        rc_arena_reset(list->scratch);
        RC_TRY(
            rc_definition_read_labels(entry->payload, list->scratch, &labels, &count, list->error));
        for (size_t i = 0; i < list->in->n_labels; i++)
            if (!has_label(labels, count, list->in->labels[i]))
                return RC_OK;
    }
    *ret_passes = true;
    return RC_OK;
}

enum rc_status
rc_definition_filter_open(struct rc_decode *decode, struct rc_definition_filter *filter)
{
    const Recount__V1__ListDefinitionsRequest *in = filter->in;
    if (in->n_labels > RC_LABELS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "labels", "at most %u labels can be asked for",
                              RC_LABELS_MAX);
    for (size_t i = 0; i < in->n_labels; i++) {
        const size_t mark = rc_decode_enter_item(decode, "labels", i);
        RC_TRY(check_key(decode, "key", in->labels[i]->key));
        rc_decode_leave(decode, mark);
    }
    filter->filter.prefix = rc_bytes_of(in->id_prefix);
    filter->filter.passes = passes;
    filter->error = decode->error;
    filter->contains = rc_fold_text(rc_bytes_of(in->display_name_contains), &filter->contained);
    filter->scratch = rc_arena_new(NULL, 0);
    return filter->scratch == NULL || filter->contained.failed ? rc_decode_no_memory(decode)
                                                               : RC_OK;
}

void
rc_definition_filter_close(struct rc_definition_filter *filter)
{
    rc_writer_close(&filter->folded);
    rc_writer_close(&filter->contained);
    filter->scratch = rc_arena_free(filter->scratch);
}
