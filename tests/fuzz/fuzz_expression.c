/*
 * The language of the command line: what parses is printed, and what was printed parses as the same
 * message. The first byte says whether it is a predicate, a selector, a rule or a filter.
 */
#include <string.h>

#include "cli/language/expression.h"
#include "cli/session/message.h"
#include "tests/fuzz/fuzz.h"

#define PROJECT "projects/p"

/* The text that print makes of message. */
#define PRINTED(arena, print, message, ret_text)              \
    do {                                                      \
        char *text_ = NULL;                                   \
        size_t size_ = 0;                                     \
        FILE *out_ = open_memstream(&text_, &size_);          \
        FUZZ_CHECK(out_ != NULL);                             \
        print(out_, message);                                 \
        fclose(out_);                                         \
        *(ret_text) = rc_arena_string((arena), text_, size_); \
        free(text_);                                          \
    } while (0)

static void
use_predicate(struct rc_arena *arena, const char *source)
{
    Recount__V1__Predicate *predicate;
    Recount__V1__Predicate *again;
    struct rc_expression_error error;
    if (rc_expression_predicate(arena, PROJECT, source, &predicate, &error) != RC_OK)
        return;
    const char *text;
    PRINTED(arena, rc_expression_print_predicate, predicate, &text);
    FUZZ_CHECK(rc_expression_predicate(arena, PROJECT, text, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_bytes_equal(rc_message_pack(arena, predicate), rc_message_pack(arena, again)));
}

static void
use_rule(struct rc_arena *arena, const char *source)
{
    Recount__V1__SegmentRule *rule;
    Recount__V1__SegmentRule *again;
    struct rc_expression_error error;
    if (rc_expression_rule(arena, PROJECT, source, &rule, &error) != RC_OK)
        return;
    const char *text;
    PRINTED(arena, rc_expression_print_rule, rule, &text);
    FUZZ_CHECK(rc_expression_rule(arena, PROJECT, text, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_bytes_equal(rc_message_pack(arena, rule), rc_message_pack(arena, again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    const char *source = rc_arena_string(arena, (const char *)data + 1, size - 1);
    struct rc_expression_error error = {0};
    Recount__V1__Selector *selector;
    Recount__V1__SegmentFilter *filter;
    switch (data[0] % 4) {
    case 0:
        use_predicate(arena, source);
        break;
    case 1:
        use_rule(arena, source);
        break;
    case 2:
        if (rc_expression_selector(arena, PROJECT, source, &selector, &error) == RC_OK)
            FUZZ_CHECK(rc_message_pack(arena, selector).data != NULL);
        break;
    default:
        if (rc_expression_filter(arena, PROJECT, source, &filter, &error) == RC_OK)
            FUZZ_CHECK(rc_message_pack(arena, filter).data != NULL);
    }
    FUZZ_CHECK(error.at <= strlen(source));
    return 0;
}
