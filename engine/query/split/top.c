/*
 * Top: a heap whose root is the worst of the best, so that a million candidates cost a million
 * looks at the root; sorted at the end.
 */
#include "engine/query/split/top.h"

/* Moves first[at] down to where no child is worse than its parent. */
static void
sift(struct rc_top *top, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count &&
            top->before(top->context, top->first[child], top->first[child + 1]))
            child++;
        if (!top->before(top->context, top->first[at], top->first[child]))
            return;
        const uint32_t swap = top->first[at];
        top->first[at] = top->first[child];
        top->first[child] = swap;
        at = child;
    }
}

void
rc_top_offer(struct rc_top *top, uint32_t candidate)
{
    if (top->count < top->top_n) {
        top->first[top->count++] = candidate;
        for (uint32_t i = top->count == top->top_n ? top->count / 2 : 0; i-- > 0;)
            sift(top, top->count, i);
        return;
    }
    top->more = true;
    if (top->top_n > 0 && top->before(top->context, candidate, top->first[0])) {
        top->first[0] = candidate;
        sift(top, top->count, 0);
    }
}

void
rc_top_finish(struct rc_top *top)
{
    for (uint32_t i = top->count / 2; i-- > 0;)
        sift(top, top->count, i);
    /* The worst goes to the end, again and again. */
    for (uint32_t left = top->count; left > 1; left--) {
        const uint32_t worst = top->first[0];
        top->first[0] = top->first[left - 1];
        top->first[left - 1] = worst;
        sift(top, left - 1, 0);
    }
}
