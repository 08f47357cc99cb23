/*
 * Transport, the threads that poll the queue. One leads: it waits for events, does what they ask
 * for, and serves calls that will be quick by itself. Handing a call over takes two wake-ups, of a
 * worker by the leader and of the leader by the reply, which is more than a small query does.
 *
 * That a call will be quick is a guess, and whatever it turns out to be, events must not wait. So
 * another thread stands by and looks how long the leader has been serving, every RELIEF_NS while
 * calls are served; if it is too long it leads from then on and has the call watched, which until
 * then nobody could have cancelled, and who was relieved stands by once he is done. While nobody
 * stands by, the leader serves nothing itself.
 *
 * Where calls come together, so do replies: whoever waits for them is woken by the first, which is
 * most of what sending one takes, and finds the others when he looks. So a reply is held while
 * there is more to do, HELD_MAX of them and HELD_NS at most, and never that of a call which came
 * alone.
 *
 * None starves another: of a lane the leader serves SERVED_MAX calls in a stretch, which ends when
 * the queue has run dry; what comes beyond that goes to the workers, whose lanes take turns.
 */
#include <grpc/support/time.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "server/transport/transport_internal.h"

#define POLLERS 2u
#define LANES 256u
#define SERVED_MAX 32u

/* What of replies is sent together: more of them save little more. */
#define HELD_MAX 8u
#define HELD_NS ((uint64_t)200000)

/* Longer than quick calls take, and short to whoever waits. */
#define RELIEF_NS ((uint64_t)1000000)

/* Who stands by sleeps after this many looks that found no new call served. */
#define LOOKS_MAX 20u

struct poller {
    struct rc_polling *polling;
    pthread_t thread;
    bool relieved; /* Its own. */
};

struct lane {
    uint32_t stretch;
    uint32_t served;
};

struct rc_polling {
    grpc_completion_queue *queue;
    uint32_t thread_count;
    struct poller pollers[POLLERS];

    _Atomic uint64_t since_ns;   /* When the leader began to serve a call; 0: it serves none. */
    struct rc_call *served_call; /* It. */
    _Atomic uint64_t served;     /* Calls, ever. */
    _Atomic(bool) standing_by;   /* Somebody does. */
    _Atomic(bool) asleep;        /* He waits to be woken. */

    /* The leader's. */
    uint32_t stretch;
    uint32_t stretch_served;
    struct lane lanes[LANES];

    pthread_mutex_t held_lock; /* Guards what follows. */
    uint32_t held_count;
    struct rc_call *held[HELD_MAX]; /* Whose replies are there, and not sent yet. */
    uint64_t held_ns;               /* When the first of them began to be served. */

    pthread_mutex_t lock;   /* Guards what follows. */
    pthread_cond_t changed; /* Monotonic clock. */
    struct poller *leader;
    bool stopping;
};

/* ---- Replies that wait ----------------------------------------------------------------------- */

bool
rc_polling_hold(struct rc_polling *polling, struct rc_call *call, uint64_t turn)
{
    pthread_mutex_lock(&polling->held_lock);
    /* Who was relieved sends by himself: nobody else may look at what is held before long. */
    const bool holds =
        turn != 0 && polling->held_count < HELD_MAX && atomic_load(&polling->since_ns) == turn;
    if (holds && polling->held_count == 0)
        polling->held_ns = turn;
    if (holds)
        polling->held[polling->held_count++] = call;
    pthread_mutex_unlock(&polling->held_lock);
    return holds;
}

/* Sends what is held, if it is as much or has been as long as it may by now_ns. */
static void
send_held(struct rc_polling *polling, uint64_t now_ns)
{
    struct rc_call *held[HELD_MAX];
    uint32_t count = 0;
    pthread_mutex_lock(&polling->held_lock);
    if (polling->held_count == HELD_MAX || now_ns - polling->held_ns >= HELD_NS) {
        count = polling->held_count;
        for (uint32_t i = 0; i < count; i++)
            held[i] = polling->held[i];
        polling->held_count = 0;
    }
    pthread_mutex_unlock(&polling->held_lock);
    for (uint32_t i = 0; i < count; i++)
        rc_call_send_final(held[i]);
}

static void
send_all_held(struct rc_polling *polling)
{
    send_held(polling, UINT64_MAX);
}

/* ---- Leading --------------------------------------------------------------------------------- */

/* The next event. A stretch ends where none is there; to know that is worth a look only where a
 * call was served. */
static grpc_event
next_event(struct rc_polling *polling)
{
    if (polling->stretch_served > 0) {
        const grpc_event event =
            grpc_completion_queue_next(polling->queue, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type != GRPC_QUEUE_TIMEOUT)
            return event;
        send_all_held(polling);
        polling->stretch++;
        polling->stretch_served = 0;
    }
    return grpc_completion_queue_next(polling->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

/* Until the poller is relieved, or the queue was shut down. */
static void
lead(struct poller *poller)
{
    struct rc_polling *polling = poller->polling;
    while (!poller->relieved) {
        const grpc_event event = next_event(polling);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            pthread_mutex_lock(&polling->lock);
            polling->stopping = true;
            pthread_cond_broadcast(&polling->changed);
            pthread_mutex_unlock(&polling->lock);
            return;
        }
        struct rc_tag *tag = event.tag;
        RC_TAG_ACQUIRE(tag);
        tag->done(tag, event.success != 0);
    }
    poller->relieved = false;
}

bool
rc_polling_may_serve(struct rc_polling *polling, uint64_t key)
{
    struct lane *lane = &polling->lanes[key % LANES];
    if (lane->stretch != polling->stretch)
        *lane = (struct lane){.stretch = polling->stretch};
    return lane->served < SERVED_MAX && atomic_load(&polling->standing_by);
}

static void
wake(struct rc_polling *polling)
{
    pthread_mutex_lock(&polling->lock);
    pthread_cond_broadcast(&polling->changed);
    pthread_mutex_unlock(&polling->lock);
}

void
rc_polling_serve(struct rc_polling *polling, struct rc_call *call)
{
    struct poller *poller = polling->leader; /* Who calls: it changes only while he serves. */
    uint64_t since_ns = rc_clock_monotonic_ns();
    send_held(polling, since_ns);
    call->turn = polling->stretch_served > 0 ? since_ns : 0;
    polling->lanes[call->lane % LANES].served++;
    polling->stretch_served++;
    polling->served_call = call;
    rc_call_ref(call);
    atomic_fetch_add_explicit(&polling->served, 1, memory_order_relaxed);
    atomic_store(&polling->since_ns, since_ns);
    if (atomic_load(&polling->asleep))
        wake(polling);
    rc_call_serve(call);
    poller->relieved = !atomic_compare_exchange_strong(&polling->since_ns, &since_ns, 0);
    if (poller->relieved) { /* By somebody who may still look at the call. */
        pthread_mutex_lock(&polling->lock);
        pthread_mutex_unlock(&polling->lock);
    }
    rc_call_unref(call);
}

/* ---- Standing by ----------------------------------------------------------------------------- */

/* Leads from now on if the leader has been serving for too long. Under the lock. */
static void
relieve(struct rc_polling *polling, struct poller *poller)
{
    uint64_t since_ns = atomic_load(&polling->since_ns);
    if (since_ns == 0 || rc_clock_monotonic_ns() - since_ns < RELIEF_NS)
        return;
    if (!atomic_compare_exchange_strong(&polling->since_ns, &since_ns, 0))
        return; /* He is just done. */
    polling->leader = poller;
    rc_call_watch(polling->served_call);
}

/* Waits until it is time to look again. Under the lock. */
static void
rest(struct rc_polling *polling, bool sleeps)
{
    struct timespec until;
    atomic_store(&polling->asleep, sleeps);
    if (sleeps && atomic_load(&polling->since_ns) == 0) {
        pthread_cond_wait(&polling->changed, &polling->lock);
    } else {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)RELIEF_NS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&polling->changed, &polling->lock, &until);
    }
    atomic_store(&polling->asleep, false);
}

/* Until the poller leads, or the queue was shut down. Under the lock. */
static void
stand_by(struct poller *poller)
{
    struct rc_polling *polling = poller->polling;
    uint64_t served = 0;
    uint32_t looks = 0;
    atomic_store(&polling->standing_by, true);
    while (polling->leader != poller && !polling->stopping) {
        rest(polling, looks >= LOOKS_MAX);
        const uint64_t now_served = atomic_load_explicit(&polling->served, memory_order_relaxed);
        looks = now_served == served ? looks + 1 : 0;
        served = now_served;
        relieve(polling, poller);
    }
    atomic_store(&polling->standing_by, false);
}

static void *
poll_queue(void *argument)
{
    struct poller *poller = argument;
    struct rc_polling *polling = poller->polling;
    rc_thread_set_urgency(RC_URGENCY_PROMPT);
    pthread_mutex_lock(&polling->lock);
    while (!polling->stopping) {
        if (polling->leader != poller) {
            stand_by(poller);
            continue;
        }
        pthread_mutex_unlock(&polling->lock);
        send_all_held(polling); /* Of who was relieved. */
        lead(poller);
        pthread_mutex_lock(&polling->lock);
    }
    pthread_mutex_unlock(&polling->lock);
    return NULL;
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

struct rc_polling *
rc_polling_new(void)
{
    struct rc_polling *polling = rc_alloc_zero(sizeof(*polling));
    if (polling == NULL)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&polling->lock, NULL);
    pthread_mutex_init(&polling->held_lock, NULL);
    pthread_cond_init(&polling->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    polling->leader = &polling->pollers[0];
    return polling;
}

void
rc_polling_start(struct rc_polling *polling, grpc_completion_queue *queue)
{
    polling->queue = queue;
    for (; polling->thread_count < POLLERS; polling->thread_count++) {
        struct poller *poller = &polling->pollers[polling->thread_count];
        poller->polling = polling;
        const int failure = pthread_create(&poller->thread, NULL, poll_queue, poller);
        RC_ASSERT(failure == 0);
    }
}

struct rc_polling *
rc_polling_free(struct rc_polling *polling)
{
    if (polling == NULL)
        return NULL;
    for (uint32_t i = 0; i < polling->thread_count; i++)
        pthread_join(polling->pollers[i].thread, NULL);
    pthread_cond_destroy(&polling->changed);
    RC_ASSERT(polling->held_count == 0);
    pthread_mutex_destroy(&polling->held_lock);
    pthread_mutex_destroy(&polling->lock);
    return rc_alloc_free(polling);
}
