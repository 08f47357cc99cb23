/* Table: chained, doubled when there is a thing a bucket. */
#include "engine/match/rows/table.h"

#include <string.h>

#include "engine/base/assert.h"

#define BUCKETS_FIRST ((size_t)16)

enum rc_status
rc_table_open(struct rc_table *table, struct rc_account *account)
{
    struct rc_table_link **buckets = rc_alloc_in(account, BUCKETS_FIRST * sizeof(*buckets));
    if (buckets == NULL)
        return RC_NO_MEMORY;
    memset(buckets, 0, BUCKETS_FIRST * sizeof(*buckets));
    *table =
        (struct rc_table){.account = account, .buckets = buckets, .bucket_count = BUCKETS_FIRST};
    return RC_OK;
}

void
rc_table_close(struct rc_table *table)
{
    RC_ASSERT(table->count == 0);
    table->buckets = rc_alloc_free(table->buckets);
}

struct rc_table_link *
rc_table_chain(const struct rc_table *table, uint64_t hash)
{
    return table->buckets[hash & (table->bucket_count - 1)];
}

static void
put(struct rc_table_link **buckets, size_t bucket_count, struct rc_table_link *link)
{
    struct rc_table_link **bucket = &buckets[link->hash & (bucket_count - 1)];
    link->next = *bucket;
    *bucket = link;
}

static void
grow(struct rc_table *table)
{
    const size_t bucket_count = table->bucket_count * 2;
    struct rc_table_link **buckets = rc_alloc_in(table->account, bucket_count * sizeof(*buckets));
    if (buckets == NULL)
        return;
    memset(buckets, 0, bucket_count * sizeof(*buckets));
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct rc_table_link *next;
        for (struct rc_table_link *link = table->buckets[i]; link != NULL; link = next) {
            next = link->next;
            put(buckets, bucket_count, link);
        }
    }
    rc_alloc_free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = bucket_count;
}

void
rc_table_add(struct rc_table *table, struct rc_table_link *link, uint64_t hash)
{
    link->hash = hash;
    if (table->count >= table->bucket_count)
        grow(table);
    put(table->buckets, table->bucket_count, link);
    table->count++;
}

void
rc_table_remove(struct rc_table *table, struct rc_table_link *link)
{
    struct rc_table_link **at = &table->buckets[link->hash & (table->bucket_count - 1)];
    while (*at != link) {
        RC_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = link->next;
    table->count--;
}
