/*
 * Chain: one invented element chain, as an autocapture script records it.
 *
 * From leaf to root, separated by ';': each element is its tag, #id, .classes, [attribute="value"]
 * and :nth-child(n), for example
 *     a.btn.btn-primary[data-role="confirm"]:nth-child(2);form#checkout.card;div.modal;body;html
 */
#ifndef RC_CLI_GENERATE_GENERATE_CHAIN_H
#define RC_CLI_GENERATE_GENERATE_CHAIN_H

#include <stddef.h>

#include "cli/generate/generate_random.h"
#include "cli/generate/generate_vocabulary.h"

#define RC_CHAIN_BYTES_MIN 60
#define RC_CHAIN_BYTES_MAX 200

/*
 * Writes a chain of RC_CHAIN_BYTES_MIN to RC_CHAIN_BYTES_MAX bytes for an element that takes events
 * of the given type; at must have room for RC_CHAIN_BYTES_MAX + 128. Returns the end and the leaf's
 * tag.
 */
char *
rc_chain_write(char *at,
               struct rc_random *random,
               enum rc_event_type type,
               const char **ret_leaf_tag);

#endif
