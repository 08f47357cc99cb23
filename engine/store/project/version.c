#include "engine/store/project/version.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

enum rc_status
rc_dead_new(struct rc_account *account, uint32_t row_count, struct rc_dead **ret_dead)
{
    const uint32_t blocks = row_count / RC_BLOCK_ROWS + (row_count % RC_BLOCK_ROWS != 0);
    /* A chunk of a head is smaller than a block. */
    const uint32_t words =
        row_count <= RC_CHUNK_ROWS ? RC_CHUNK_ROWS / 64 : blocks * RC_BLOCK_WORDS;
    struct rc_dead *dead = rc_alloc_in(account, sizeof(*dead) + words * sizeof(dead->words[0]));
    if (dead == NULL)
        return RC_NO_MEMORY;
    atomic_init(&dead->references, 1);
    dead->count = 0;
    dead->word_count = words;
    memset(dead->words, 0, words * sizeof(dead->words[0]));
    *ret_dead = dead;
    return RC_OK;
}

static struct rc_dead *
dead_ref(struct rc_dead *dead)
{
    if (dead != NULL)
        atomic_fetch_add_explicit(&dead->references, 1, memory_order_relaxed);
    return dead;
}

struct rc_dead *
rc_dead_unref(struct rc_dead *dead)
{
    if (dead != NULL && atomic_fetch_sub_explicit(&dead->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(dead);
    return NULL;
}

/* Sets a bit in *dead, after making it the draft's own: a set with one reference is
 * nobody else's. */
static enum rc_status
dead_set(struct rc_account *account,
         struct rc_dead **dead,
         uint32_t row_count,
         uint32_t row,
         bool *ret_newly)
{
    if (rc_dead_has(*dead, row)) {
        *ret_newly = false;
        return RC_OK;
    }
    if (*dead == NULL) {
        RC_TRY(rc_dead_new(account, row_count, dead));
    } else if (atomic_load_explicit(&(*dead)->references, memory_order_acquire) != 1) {
        struct rc_dead *copy = NULL;
        RC_TRY(rc_dead_new(account, row_count, &copy));
        RC_ASSERT(copy->word_count == (*dead)->word_count);
        memcpy(copy->words, (*dead)->words, copy->word_count * sizeof(copy->words[0]));
        copy->count = (*dead)->count;
        rc_dead_unref(*dead);
        *dead = copy;
    }
    (*dead)->words[row / 64] |= (uint64_t)1 << (row % 64);
    (*dead)->count++;
    *ret_newly = true;
    return RC_OK;
}

static enum rc_status
version_alloc(struct rc_account *account,
              uint32_t slab_count,
              uint32_t head_count,
              struct rc_version **ret_version)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_alloc_in(account, sizeof(*version));
    if (version == NULL)
        return RC_NO_MEMORY;
    *version = (struct rc_version){
        .account = account,
        .cut_ms = INT64_MIN,
        .window_rows_max = RC_WINDOW_ROWS_MAX,
        .week_rows_max = RC_WINDOW_WEEK_ROWS_MAX,
    };
    atomic_init(&version->references, 1);
    version->slabs = rc_alloc_in(account, slab_count * sizeof(version->slabs[0]));
    version->heads = rc_alloc_in(account, head_count * sizeof(version->heads[0]));
    if (version->slabs == NULL || version->heads == NULL)
        return RC_NO_MEMORY;
    *ret_version = RC_TAKE(version);
    return RC_OK;
}

enum rc_status
rc_version_new(struct rc_account *account, struct rc_head *head, struct rc_version **ret_version)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = NULL;
    RC_TRY(version_alloc(account, 0, 0, &version));
    RC_TRY(rc_version_add_head(version, head));
    *ret_version = RC_TAKE(version);
    return RC_OK;
}

struct rc_version *
rc_version_ref(struct rc_version *version)
{
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    return version;
}

static void
drop_head(struct rc_version_head *head)
{
    rc_head_unref(head->head);
    for (uint32_t i = 0; i < RC_HEAD_CHUNKS_MAX; i++)
        rc_dead_unref(head->dead[i]);
}

static void
drop_slab(struct rc_version_slab *slab)
{
    rc_slab_unref(slab->slab);
    rc_dead_unref(slab->dead);
}

struct rc_version *
rc_version_unref(struct rc_version *version)
{
    if (version == NULL ||
        atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (uint32_t i = 0; i < version->slab_count; i++)
        drop_slab(&version->slabs[i]);
    for (uint32_t i = 0; i < version->head_count; i++)
        drop_head(&version->heads[i]);
    rc_gone_unref(version->gone);
    rc_alloc_free(version->slabs);
    rc_alloc_free(version->heads);
    return rc_alloc_free(version);
}

enum rc_status
rc_version_draft(const struct rc_version *version, struct rc_version **ret_draft)
{
    struct rc_version *draft = NULL;
    RC_TRY(version_alloc(version->account, version->slab_count, version->head_count, &draft));
    for (uint32_t i = 0; i < version->slab_count; i++) {
        draft->slabs[i] = version->slabs[i];
        rc_slab_ref(draft->slabs[i].slab);
        dead_ref(draft->slabs[i].dead);
    }
    for (uint32_t i = 0; i < version->head_count; i++) {
        draft->heads[i] = version->heads[i];
        rc_head_ref(draft->heads[i].head);
        for (uint32_t k = 0; k < RC_HEAD_CHUNKS_MAX; k++)
            dead_ref(draft->heads[i].dead[k]);
    }
    draft->slab_count = version->slab_count;
    draft->head_count = version->head_count;
    draft->gone = rc_gone_ref(version->gone);
    draft->cut_ms = version->cut_ms;
    draft->window_rows_max = version->window_rows_max;
    draft->week_rows_max = version->week_rows_max;
    draft->erase_asked_ms = version->erase_asked_ms;
    *ret_draft = draft;
    return RC_OK;
}

enum rc_status
rc_version_kill_slab_row(struct rc_version *draft, uint32_t slab, uint32_t row, bool *ret_newly)
{
    RC_ASSERT(slab < draft->slab_count);
    struct rc_version_slab *at = &draft->slabs[slab];
    const uint32_t rows = rc_slab_get_info(at->slab)->row_count;
    RC_ASSERT(row < rows);
    return dead_set(draft->account, &at->dead, rows, row, ret_newly);
}

enum rc_status
rc_version_kill_head_row(struct rc_version *draft,
                         uint32_t head,
                         uint32_t chunk,
                         uint32_t row,
                         bool *ret_newly)
{
    RC_ASSERT(head < draft->head_count && chunk < RC_HEAD_CHUNKS_MAX && row < RC_CHUNK_ROWS);
    return dead_set(draft->account, &draft->heads[head].dead[chunk], RC_CHUNK_ROWS, row, ret_newly);
}

enum rc_status
rc_version_add_head(struct rc_version *draft, struct rc_head *head)
{
    struct rc_version_head *heads =
        rc_realloc(draft->heads, (draft->head_count + 1) * sizeof(heads[0]));
    if (heads == NULL)
        return RC_NO_MEMORY;
    draft->heads = heads;
    heads[draft->head_count++] = (struct rc_version_head){.head = rc_head_ref(head)};
    return RC_OK;
}

void
rc_version_remove_head(struct rc_version *draft, uint32_t head)
{
    RC_ASSERT(head < draft->head_count);
    drop_head(&draft->heads[head]);
    draft->head_count--;
    memmove(&draft->heads[head], &draft->heads[head + 1],
            (draft->head_count - head) * sizeof(draft->heads[0]));
}

static bool
slab_before(const struct rc_version_slab *a, const struct rc_slab *slab, uint64_t id)
{
    const int order = rc_window_compare(rc_slab_window(a->slab), rc_slab_window(slab));
    return order != 0 ? order < 0 : a->id < id;
}

enum rc_status
rc_version_add_slab(struct rc_version *draft,
                    struct rc_slab *slab,
                    uint64_t id,
                    struct rc_dead *dead)
{
    struct rc_version_slab *slabs =
        rc_realloc(draft->slabs, (draft->slab_count + 1) * sizeof(slabs[0]));
    if (slabs == NULL)
        return RC_NO_MEMORY;
    draft->slabs = slabs;
    uint32_t place = draft->slab_count;
    while (place > 0 && !slab_before(&slabs[place - 1], slab, id)) {
        slabs[place] = slabs[place - 1];
        place--;
    }
    slabs[place] = (struct rc_version_slab){
        .slab = rc_slab_ref(slab),
        .id = id,
        .dead = dead_ref(dead),
    };
    draft->slab_count++;
    return RC_OK;
}

void
rc_version_remove_slab(struct rc_version *draft, uint32_t slab)
{
    RC_ASSERT(slab < draft->slab_count);
    drop_slab(&draft->slabs[slab]);
    draft->slab_count--;
    memmove(&draft->slabs[slab], &draft->slabs[slab + 1],
            (draft->slab_count - slab) * sizeof(draft->slabs[0]));
}

void
rc_version_exchange_slab(struct rc_version *draft, uint32_t slab, struct rc_slab *same)
{
    RC_ASSERT(slab < draft->slab_count);
    struct rc_version_slab *at = &draft->slabs[slab];
    const struct rc_slab_info *before = rc_slab_get_info(at->slab);
    const struct rc_slab_info *after = rc_slab_get_info(same);
    RC_ASSERT(before->row_count == after->row_count && before->size_bytes == after->size_bytes &&
              rc_window_compare(rc_slab_window(at->slab), rc_slab_window(same)) == 0);
    rc_slab_ref(same);
    rc_slab_unref(at->slab);
    at->slab = same;
}

enum rc_status
rc_version_add_slabs(struct rc_version *draft,
                     struct rc_slab *const *slabs,
                     const uint64_t *ids,
                     uint32_t count)
{
    struct rc_version_slab *grown =
        rc_realloc(draft->slabs, ((size_t)draft->slab_count + count) * sizeof(grown[0]));
    if (grown == NULL)
        return RC_NO_MEMORY;
    draft->slabs = grown;
    /* From the end, so that nothing is moved twice. */
    uint32_t old = draft->slab_count;
    uint32_t added = count;
    while (added > 0) {
        struct rc_version_slab *to = &grown[old + added - 1];
        if (old > 0 && !slab_before(&grown[old - 1], slabs[added - 1], ids[added - 1])) {
            *to = grown[--old];
        } else {
            added--;
            *to = (struct rc_version_slab){.slab = rc_slab_ref(slabs[added]), .id = ids[added]};
        }
    }
    draft->slab_count += count;
    return RC_OK;
}

void
rc_version_remove_slabs(struct rc_version *draft, const uint64_t *ids, uint32_t count)
{
    uint32_t kept = 0;
    uint32_t removed = 0;
    for (uint32_t i = 0; i < draft->slab_count; i++) {
        if (removed < count && draft->slabs[i].id == ids[removed]) {
            drop_slab(&draft->slabs[i]);
            removed++;
        } else {
            draft->slabs[kept++] = draft->slabs[i];
        }
    }
    RC_ASSERT(removed == count);
    draft->slab_count = kept;
}

uint32_t
rc_version_place_slab(const struct rc_version *version, struct rc_window window, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = version->slab_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct rc_version_slab *at = &version->slabs[middle];
        const int order = rc_window_compare(rc_slab_window(at->slab), window);
        if (order < 0 || (order == 0 && at->id < id))
            low = middle + 1;
        else
            high = middle;
    }
    return low < version->slab_count && version->slabs[low].id == id ? low : version->slab_count;
}

uint32_t
rc_version_find_slab(const struct rc_version *version, uint64_t id)
{
    uint32_t at = 0;
    while (at < version->slab_count && version->slabs[at].id != id)
        at++;
    return at;
}

uint32_t
rc_version_find_head(const struct rc_version *version, const struct rc_head *head)
{
    uint32_t at = 0;
    while (at < version->head_count && version->heads[at].head != head)
        at++;
    return at;
}
