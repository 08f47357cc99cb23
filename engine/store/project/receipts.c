/*
 * Receipts: an array of counted receipts in the order of the log. Looking for an id goes through
 * all (a thousand compares, once for a change by hand), so there is no second order to keep.
 *
 * Invariants (rc_receipts_check):
 *   1. Sequences do not descend (changes may share one); request ids differ and are not empty.
 *   2. bytes is the sum of the texts.
 *   3. The limits of receipts.h hold.
 */
#include "engine/store/project/receipts.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

struct item {
    _Atomic(uint32_t) references;
    struct rc_receipt view; /* Its texts point behind this struct. */
    char bytes[];
};

struct rc_receipts {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    uint64_t bytes;
    uint32_t count;
    struct item *items[];
};

static uint64_t
bytes_of(const struct item *item)
{
    return item->view.request_id.size + item->view.reply.size;
}

static struct item *
item_new(struct rc_account *account, const struct rc_receipt *source)
{
    const size_t id_bytes = source->request_id.size;
    struct item *item = rc_alloc_in(account, sizeof(*item) + id_bytes + source->reply.size);
    if (item == NULL)
        return NULL;
    atomic_init(&item->references, 1);
    item->view = *source;
    item->view.request_id.data = item->bytes;
    item->view.reply.data = item->bytes + id_bytes;
    if (id_bytes > 0)
        memcpy(item->bytes, source->request_id.data, id_bytes);
    if (source->reply.size > 0)
        memcpy(item->bytes + id_bytes, source->reply.data, source->reply.size);
    return item;
}

static struct item *
item_ref(struct item *item)
{
    atomic_fetch_add_explicit(&item->references, 1, memory_order_relaxed);
    return item;
}

static struct item *
item_unref(struct item *item)
{
    if (item != NULL && atomic_fetch_sub_explicit(&item->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(item);
    return NULL;
}

static struct rc_receipts *
receipts_alloc(struct rc_account *account, uint32_t capacity)
{
    struct rc_receipts *receipts =
        rc_alloc_in(account, sizeof(*receipts) + (size_t)capacity * sizeof(receipts->items[0]));
    if (receipts == NULL)
        return NULL;
    atomic_init(&receipts->references, 1);
    receipts->account = account;
    receipts->bytes = 0;
    receipts->count = 0;
    return receipts;
}

static void
append(struct rc_receipts *receipts, struct item *item)
{
    receipts->items[receipts->count++] = item;
    receipts->bytes += bytes_of(item);
}

enum rc_status
rc_receipts_new(struct rc_account *account, struct rc_receipts **ret_receipts)
{
    struct rc_receipts *receipts = receipts_alloc(account, 0);
    if (receipts == NULL)
        return RC_NO_MEMORY;
    *ret_receipts = receipts;
    return RC_OK;
}

struct rc_receipts *
rc_receipts_ref(struct rc_receipts *receipts)
{
    if (receipts != NULL)
        atomic_fetch_add_explicit(&receipts->references, 1, memory_order_relaxed);
    return receipts;
}

struct rc_receipts *
rc_receipts_unref(struct rc_receipts *receipts)
{
    if (receipts == NULL ||
        atomic_fetch_sub_explicit(&receipts->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (uint32_t i = 0; i < receipts->count; i++)
        item_unref(receipts->items[i]);
    return rc_alloc_free(receipts);
}

enum rc_status
rc_receipts_put(const struct rc_receipts *receipts,
                const struct rc_receipt *receipt,
                struct rc_receipts **ret_receipts)
{
    RC_ASSERT(receipt->request_id.size > 0);
    RC_ASSERT(receipt->sequence >= rc_receipts_last(receipts));
    struct item *added = item_new(receipts->account, receipt);
    struct rc_receipts *next = receipts_alloc(receipts->account, receipts->count + 1);
    if (added == NULL || next == NULL) {
        item_unref(added);
        rc_receipts_unref(next);
        return RC_NO_MEMORY;
    }
    uint32_t first = receipts->count; /* The oldest that stays. */
    uint64_t bytes = bytes_of(added);
    while (first > 0 && receipts->count - first + 1 < RC_RECEIPTS_MAX) {
        bytes += bytes_of(receipts->items[first - 1]);
        if (bytes > RC_RECEIPTS_BYTES_MAX)
            break;
        first--;
    }
    for (uint32_t i = first; i < receipts->count; i++)
        if (!rc_bytes_equal(receipts->items[i]->view.request_id, receipt->request_id))
            append(next, item_ref(receipts->items[i]));
    append(next, added);
    *ret_receipts = next;
    return RC_OK;
}

enum rc_status
rc_receipts_find(const struct rc_receipts *receipts,
                 const struct rc_asked *asked,
                 const struct rc_receipt **ret_receipt,
                 struct rc_error *reterr_error)
{
    *ret_receipt = NULL;
    for (uint32_t i = 0; asked->request_id.size > 0 && i < receipts->count; i++) {
        const struct rc_receipt *receipt = &receipts->items[i]->view;
        if (!rc_bytes_equal(receipt->request_id, asked->request_id))
            continue;
        if (receipt->content != asked->content)
            return rc_error_field(reterr_error, RC_INVALID, "request_id",
                                  "the request id was used for another change");
        *ret_receipt = receipt;
    }
    return RC_OK;
}

uint64_t
rc_receipts_last(const struct rc_receipts *receipts)
{
    return receipts->count == 0 ? 0 : receipts->items[receipts->count - 1]->view.sequence;
}

uint32_t
rc_receipts_count(const struct rc_receipts *receipts)
{
    return receipts->count;
}

const struct rc_receipt *
rc_receipts_at(const struct rc_receipts *receipts, uint32_t index)
{
    RC_ASSERT(index < receipts->count);
    return &receipts->items[index]->view;
}

static enum rc_status
broken(const char *what, struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_CORRUPT, "the receipts of changes %s", what);
}

enum rc_status
rc_receipts_check(const struct rc_receipts *receipts, struct rc_error *reterr_error)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < receipts->count; i++) {
        const struct rc_receipt *receipt = &receipts->items[i]->view;
        if (receipt->request_id.size == 0 ||
            (i > 0 && receipts->items[i - 1]->view.sequence > receipt->sequence))
            return broken("are out of order", reterr_error);
        for (uint32_t k = 0; k < i; k++)
            if (rc_bytes_equal(receipts->items[k]->view.request_id, receipt->request_id))
                return broken("have a request id twice", reterr_error);
        bytes += bytes_of(receipts->items[i]);
    }
    const bool fits = receipts->count <= 1 || bytes <= RC_RECEIPTS_BYTES_MAX;
    if (bytes != receipts->bytes || !fits || receipts->count > RC_RECEIPTS_MAX)
        return broken("are too many", reterr_error);
    return RC_OK;
}

void
rc_receipts_write(const struct rc_receipts *receipts, struct rc_writer *writer)
{
    rc_write_varint(writer, receipts->count);
    for (uint32_t i = 0; i < receipts->count; i++) {
        const struct rc_receipt *receipt = &receipts->items[i]->view;
        rc_write_bytes(writer, receipt->request_id);
        rc_write_u64(writer, receipt->content);
        rc_write_u64(writer, receipt->sequence);
        rc_write_bytes(writer, receipt->reply);
    }
}

enum rc_status
rc_receipts_read(struct rc_account *account,
                 struct rc_reader *reader,
                 struct rc_receipts **ret_receipts,
                 struct rc_error *reterr_error)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, RC_RECEIPTS_MAX);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = receipts_alloc(account, count);
    if (receipts == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for receipts of changes");
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        struct rc_receipt receipt = {.request_id = rc_read_bytes(reader)};
        receipt.content = rc_read_u64(reader);
        receipt.sequence = rc_read_u64(reader);
        receipt.reply = rc_read_bytes(reader);
        if (reader->bad)
            break;
        struct item *item = item_new(account, &receipt);
        if (item == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for receipts of changes");
        append(receipts, item);
    }
    if (reader->bad)
        return broken("are cut short", reterr_error);
    RC_TRY(rc_receipts_check(receipts, reterr_error));
    *ret_receipts = RC_TAKE(receipts);
    return RC_OK;
}
