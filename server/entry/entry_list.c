/*
 * Lists of entries, and of the versions of one, page by page. A page begins behind the entry, or
 * below the version, that its token names. It ends before what would be an item too many, or would
 * take it past 2 MiB: clients of gRPC take 4 MiB unless they are told otherwise.
 */
#include "engine/base/limits.h"
#include "server/decode/fields.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/entry/entries_form.h"

#define PAGE_SIZE 100u
#define PAGE_SIZE_MAX 1000u

/* A page of a list, while it is put together. */
struct page {
    struct rc_request *request;
    const struct rc_entry_kind *kind;
    struct rc_bytes project;
    uint64_t binding;
    struct rc_bytes after; /* The place of the token. */
    uint32_t size;
    uint32_t count;
    size_t bytes;
    ProtobufCMessage **items;
};

/* field: where in the reply the items go. */
static enum rc_status
open_page(struct page *page, const ProtobufCMessage *in, ProtobufCMessage *out, const char *field)
{
    struct rc_request *request = page->request;
    const int32_t page_size = rc_field_number(in, "page_size");
    RC_TRY(rc_request_page_size(request, page_size, PAGE_SIZE, PAGE_SIZE_MAX, &page->size));
    RC_TRY(rc_request_list_hash(request, in, &page->binding));
    RC_TRY(rc_token_read(request->arena, page->binding, rc_field_text(in, "page_token"),
                         &page->after, request->error));
    RC_NEW_ARRAY(request->arena, page->items, ProtobufCMessage *, page->size);
    *(ProtobufCMessage ***)rc_field(out, field) = page->items;
    return RC_OK;
}

/* *ret_added is false where the page is full; there is always room for one item. */
static enum rc_status
add_to_page(struct page *page, const struct rc_catalog_entry *entry, bool *ret_added)
{
    struct rc_catalog_entry copy;
    ProtobufCMessage *item;
    *ret_added = page->count < page->size;
    if (!*ret_added)
        return RC_OK;
    RC_TRY(rc_entry_copy(page->request->arena, entry, &copy));
    RC_TRY(rc_entry_encode(page->request, page->kind, page->project, &copy, &item));
    page->bytes += protobuf_c_message_get_packed_size(item);
    *ret_added = page->count == 0 || page->bytes <= RC_PAGE_BYTES;
    if (*ret_added)
        page->items[page->count++] = item;
    return RC_OK;
}

/* place: of the last item, where the next page begins; empty: there is none. */
static enum rc_status
close_page(struct page *page, struct rc_bytes place, ProtobufCMessage *out, const char *field)
{
    *rc_field_count(out, field) = page->count;
    if (place.size == 0)
        return RC_OK;
    char *token = rc_token_write(page->request->arena, page->binding, place);
    *(char **)rc_field(out, "next_page_token") = token;
    return token == NULL ? RC_NO_MEMORY : RC_OK;
}

static bool
has_prefix(struct rc_bytes name, struct rc_bytes prefix)
{
    return name.size >= prefix.size && memcmp(name.data, prefix.data, prefix.size) == 0;
}

enum rc_status
rc_entry_list(struct rc_request *request,
              const struct rc_entry_kind *kind,
              struct rc_entry_filter *filter,
              const ProtobufCMessage *in,
              ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    struct page page = {.request = request, .kind = kind};
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    struct rc_bytes last = {"", 0};
    bool more = false;
    RC_TRY(rc_decode_project(&decode, "parent", rc_field_text(in, "parent"), &page.project));
    RC_TRY(open_page(&page, in, out, kind->list));
    RC_TRY(rc_entry_catalog(request, kind, page.project, &catalog));
    const struct rc_bytes prefix = filter == NULL ? (struct rc_bytes){"", 0} : filter->prefix;
    uint32_t at = page.after.size == 0 ? rc_catalog_lower_bound(catalog, prefix)
                                       : rc_catalog_upper_bound(catalog, page.after);
    for (; at < rc_catalog_count(catalog) && !more; at++) {
        const struct rc_catalog_entry entry = rc_catalog_at(catalog, at);
        bool passes = true;
        bool added = false;
        if (!has_prefix(entry.name, prefix))
            break; /* Those that have it stand together. */
        if (filter != NULL)
            RC_TRY(filter->passes(filter, &entry, &passes));
        if (passes)
            RC_TRY(add_to_page(&page, &entry, &added));
        more = passes && !added;
        if (added)
            last = entry.name;
    }
    return close_page(&page, more ? last : (struct rc_bytes){"", 0}, out, kind->list);
}

enum rc_status
rc_entry_list_versions(struct rc_request *request,
                       const struct rc_entry_kind *kind,
                       const ProtobufCMessage *in,
                       ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    struct page page = {.request = request, .kind = kind};
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    struct rc_bytes id;
    uint64_t below = UINT64_MAX; /* Of the token: the last version seen. */
    RC_TRY(rc_decode_name(&decode, "name", rc_field_text(in, "name"), kind->collection,
                          &page.project, &id));
    RC_TRY(open_page(&page, in, out, "versions"));
    RC_TRY(rc_entry_catalog(request, kind, page.project, &catalog));
    if (!rc_catalog_find(catalog, id, NULL))
        return rc_entry_is_missing(request, kind, page.project, id);
    if (page.after.size == sizeof(below))
        memcpy(&below, page.after.data, sizeof(below));
    struct rc_catalog_entry entry;
    bool more = rc_catalog_version_below(catalog, id, below, &entry);
    bool added;
    while (more) {
        RC_TRY(add_to_page(&page, &entry, &added));
        if (!added)
            break;
        below = entry.version;
        more = rc_catalog_version_below(catalog, id, below, &entry);
    }
    const struct rc_bytes place = {(const char *)&below, more ? sizeof(below) : 0};
    return close_page(&page, place, out, "versions");
}
