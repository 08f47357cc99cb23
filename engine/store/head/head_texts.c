#include "engine/store/head/head_texts.h"

#include <string.h>

#include "engine/base/assert.h"

_Static_assert(RC_PROPERTIES_MAX % RC_HEAD_TEXTS_BLOCK == 0, "blocks hold all properties");

static struct rc_head_texts_block *
block_of(const struct rc_head_texts *texts, uint32_t property)
{
    if (property >= RC_PROPERTIES_MAX)
        return NULL;
    return atomic_load_explicit(&texts->blocks[property / RC_HEAD_TEXTS_BLOCK],
                                memory_order_acquire);
}

void
rc_head_texts_close(struct rc_head_texts *texts)
{
    for (uint32_t property = 0; property < RC_PROPERTIES_MAX; property += RC_HEAD_TEXTS_BLOCK) {
        struct rc_head_texts_block *block = block_of(texts, property);
        for (uint32_t i = 0; block != NULL && i < RC_HEAD_TEXTS_BLOCK; i++)
            rc_dictionary_free(atomic_load_explicit(&block->dictionaries[i], memory_order_relaxed));
        rc_alloc_free(block);
    }
}

struct rc_dictionary *
rc_head_texts_of(const struct rc_head_texts *texts, uint32_t property)
{
    const struct rc_head_texts_block *block = block_of(texts, property);
    if (block == NULL)
        return NULL;
    return atomic_load_explicit(&block->dictionaries[property % RC_HEAD_TEXTS_BLOCK],
                                memory_order_acquire);
}

enum rc_status
rc_head_texts_make(struct rc_head_texts *texts,
                   uint32_t property,
                   struct rc_account *account,
                   struct rc_dictionary **ret_dictionary)
{
    RC_ASSERT(property < RC_PROPERTIES_MAX);
    struct rc_dictionary *dictionary = rc_head_texts_of(texts, property);
    if (dictionary == NULL) {
        struct rc_head_texts_block *block = block_of(texts, property);
        if (block == NULL) {
            block = rc_alloc_in(account, sizeof(*block));
            if (block == NULL)
                return RC_NO_MEMORY;
            for (uint32_t i = 0; i < RC_HEAD_TEXTS_BLOCK; i++)
                atomic_init(&block->dictionaries[i], NULL);
            atomic_store_explicit(&texts->blocks[property / RC_HEAD_TEXTS_BLOCK], block,
                                  memory_order_release);
        }
        RC_TRY(rc_dictionary_new(account, &dictionary));
        atomic_store_explicit(&block->dictionaries[property % RC_HEAD_TEXTS_BLOCK], dictionary,
                              memory_order_release);
    }
    *ret_dictionary = dictionary;
    return RC_OK;
}
