/*
 * The faulty disk's tables of names and the journal between them. See disk_faulty_state.h.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/base/disk_faulty_state.h"

/* The index of path, or where it belongs. */
static size_t
table_place(const struct table *table, const char *path, bool *ret_found)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(table->entries[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < table->count && strcmp(table->entries[low].path, path) == 0;
    return low;
}

struct inode *
faulty_table_find(const struct table *table, const char *path)
{
    bool found;
    const size_t at = table_place(table, path, &found);
    return found ? table->entries[at].inode : NULL;
}

static void
table_remove(struct table *table, const char *path)
{
    bool found;
    const size_t at = table_place(table, path, &found);
    if (!found)
        return;
    free(table->entries[at].path);
    table->count--;
    memmove(&table->entries[at], &table->entries[at + 1],
            (table->count - at) * sizeof(*table->entries));
}

static void
table_put(struct table *table, const char *path, struct inode *inode)
{
    bool found;
    const size_t at = table_place(table, path, &found);
    if (found) {
        table->entries[at].inode = inode;
        return;
    }
    table->entries =
        faulty_grown(table->entries, &table->capacity, table->count + 1, sizeof(*table->entries));
    memmove(&table->entries[at + 1], &table->entries[at],
            (table->count - at) * sizeof(*table->entries));
    table->entries[at] = (struct entry){.path = faulty_must(strdup(path)), .inode = inode};
    table->count++;
}

void
faulty_table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i].path);
    table->count = 0;
}

static void
table_copy(struct table *to, const struct table *from)
{
    faulty_table_clear(to);
    for (size_t i = 0; i < from->count; i++)
        table_put(to, from->entries[i].path, from->entries[i].inode);
}

const char *
faulty_clean(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path;
}

size_t
faulty_parent_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

bool
faulty_is_root(const char *path)
{
    return strcmp(path, "/") == 0 || strcmp(path, ".") == 0 || path[0] == '\0';
}

bool
faulty_has_directory(const struct table *table, const char *path, size_t size)
{
    if (size == 0 || (size == 1 && path[0] == '.'))
        return true;
    char *copy = faulty_must(strndup(path, size));
    const struct inode *inode = faulty_table_find(table, copy);
    free(copy);
    return inode != NULL && inode->directory;
}

/* Whether path lies directly in directory. */
bool
faulty_lies_in(const char *path, const char *directory)
{
    const size_t size = faulty_parent_size(path);
    if (faulty_is_root(directory))
        return size == 0;
    return size == strlen(directory) && strncmp(path, directory, size) == 0;
}

static void
table_apply(struct table *table, const struct name_change *change)
{
    if (change->from != NULL)
        table_remove(table, change->from);
    if (change->to != NULL)
        table_put(table, change->to, change->inode);
}

void
faulty_journal_add(struct rc_disk_faulty *faulty,
                   const char *from,
                   const char *to,
                   struct inode *inode)
{
    faulty->journal = faulty_grown(faulty->journal, &faulty->journal_capacity,
                                   faulty->journal_count + 1, sizeof(*faulty->journal));
    struct name_change *change = &faulty->journal[faulty->journal_count++];
    *change = (struct name_change){
        .from = from == NULL ? NULL : faulty_must(strdup(from)),
        .to = to == NULL ? NULL : faulty_must(strdup(to)),
        .inode = inode,
    };
    table_apply(&faulty->current, change);
}

/* Drops the changes that are done, or all of them. */
void
faulty_journal_trim(struct rc_disk_faulty *faulty, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < faulty->journal_count; i++) {
        struct name_change *change = &faulty->journal[i];
        if (!all && !change->done) {
            faulty->journal[kept++] = *change;
            continue;
        }
        free(change->from);
        free(change->to);
    }
    faulty->journal_count = kept;
}

static bool
touches(const struct name_change *change, const char *directory)
{
    return (change->from != NULL && faulty_lies_in(change->from, directory)) ||
           (change->to != NULL && faulty_lies_in(change->to, directory));
}

/* Whether two changes touch a directory in common. */
static bool
meet(const struct name_change *a, const struct name_change *b)
{
    const char *paths[] = {a->from, a->to};
    for (size_t i = 0; i < 2; i++) {
        if (paths[i] == NULL)
            continue;
        char *directory = faulty_must(strndup(paths[i], faulty_parent_size(paths[i])));
        const bool met = touches(b, directory);
        free(directory);
        if (met)
            return true;
    }
    return false;
}

/* What a power cut leaves of the names. A change that did not happen (done stays false) stops every
 * later one of its directories. */
void
faulty_journal_settle(struct rc_disk_faulty *faulty)
{
    const uint64_t odds = faulty_random_below(faulty, 4); /* 0: everything happened. */
    for (size_t i = 0; i < faulty->journal_count; i++) {
        struct name_change *change = &faulty->journal[i];
        bool happened = odds == 0 || faulty_random_below(faulty, 8) >= odds;
        for (size_t j = 0; j < i && happened; j++)
            happened = faulty->journal[j].done || !meet(&faulty->journal[j], change);
        if (happened)
            table_apply(&faulty->durable, change);
        change->done = happened;
    }
    faulty_journal_trim(faulty, true);
    /* What lies in a directory that does not exist is gone; parents sort before their content. */
    for (size_t i = 0; i < faulty->durable.count;) {
        const char *path = faulty->durable.entries[i].path;
        if (faulty_has_directory(&faulty->durable, path, faulty_parent_size(path)))
            i++;
        else
            table_remove(&faulty->durable, path);
    }
    table_copy(&faulty->current, &faulty->durable);
}

static void
mark_table(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->entries[i].inode->marked = true;
}

/* Frees inodes that no name, no change of names and no open file leads to. */
void
faulty_sweep(struct rc_disk_faulty *faulty)
{
    for (struct inode *inode = faulty->inodes; inode != NULL; inode = inode->next)
        inode->marked = inode->open_count > 0;
    mark_table(&faulty->current);
    mark_table(&faulty->durable);
    for (size_t i = 0; i < faulty->journal_count; i++)
        if (faulty->journal[i].inode != NULL)
            faulty->journal[i].inode->marked = true;
    struct inode **at = &faulty->inodes;
    while (*at != NULL) {
        struct inode *inode = *at;
        if (inode->marked) {
            at = &inode->next;
            continue;
        }
        *at = inode->next;
        faulty_inode_free(inode);
    }
}

void
faulty_journal_sync_dir(struct rc_disk_faulty *faulty, const char *directory)
{
    for (size_t i = 0; i < faulty->journal_count; i++) {
        struct name_change *change = &faulty->journal[i];
        if (!touches(change, directory))
            continue;
        table_apply(&faulty->durable, change);
        change->done = true;
    }
    faulty_journal_trim(faulty, false);
    faulty_sweep(faulty);
}

uint64_t
faulty_used_bytes(const struct rc_disk_faulty *faulty)
{
    uint64_t used = 0;
    for (size_t i = 0; i < faulty->current.count; i++)
        used += faulty->current.entries[i].inode->current.size;
    return used;
}
