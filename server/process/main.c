/*
 * recountd: reads its settings, serves until it is told to stop, and leaves a snapshot behind; or
 * checks, repairs or restores a directory and ends.
 *
 * SIGTERM and SIGINT stop it in order; a second one ends it at once (nothing that was acknowledged
 * is lost: the next start reads the log). Signals are blocked in all threads and waited for here.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/cleanup.h"
#include "server/process/config.h"
#include "server/process/log.h"
#include "server/process/maintenance.h"
#include "server/process/server.h"

/*
 * What jemalloc starts with; without jemalloc nobody reads it. A load allocates and frees heads,
 * batches and the inputs of merges by the hundred megabytes, a query over a million values its
 * scratch: a fifth of a second later these pages go back to the system, by a thread of jemalloc's
 * own, and not only when somebody allocates again. With the defaults (10 s, no thread) a third of
 * the resident memory after a load was nobody's. While one goes on they are kept (base/reuse.h).
 *
 * An arena for each processor, not four: what one worker has freed is what the next one asks for,
 * while it is still resident (page faults of a load 117 to 70 in a thousand rows).
 */
extern const char *malloc_conf;
const char *malloc_conf =
    "background_thread:true,dirty_decay_ms:200,muzzy_decay_ms:0,oversize_threshold:0,"
    "percpu_arena:percpu";

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_SETTINGS = 2, EXIT_AT_ONCE = 130 };

static void
end_at_once(int signal)
{
    (void)signal;
    _exit(EXIT_AT_ONCE);
}

/* The signals that stop the server. */
static sigset_t
stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

static void
wait_for_stop(const sigset_t *set)
{
    int signal = 0;
    while (sigwait(set, &signal) != 0)
        continue;
    RC_LOG(RC_LOG_INFO, "signal", {"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT", 0});
    const struct sigaction at_once = {.sa_handler = end_at_once};
    (void)sigaction(SIGTERM, &at_once, NULL);
    (void)sigaction(SIGINT, &at_once, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

int
main(int argc, char **argv)
{
    RC_CLEANUP(rc_config_close) struct rc_config config = {.listen = NULL};
    struct rc_error error = {.status = RC_OK};
    if (rc_config_read(argc, argv, &config, &error) != RC_OK) {
        fprintf(stderr, "recountd: %s: %s\n", error.field, error.message);
        return EXIT_SETTINGS;
    }
    rc_log_configure((enum rc_log_level)config.log_level, config.log_text != 0);
    if (config.print_config)
        rc_config_print(&config, stdout);
    if (config.print_config || config.check_config)
        return EXIT_OK;
    if (config.task != RC_TASK_NONE)
        return rc_maintenance_run(&config, stdout, stderr);
    const sigset_t set = stop_signals();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* A file that may not grow (ulimit -f) is a full disk. */
    struct rc_server *server = NULL;
    if (rc_server_start(&config, &server, &error) != RC_OK) {
        RC_LOG(RC_LOG_ERROR, "cannot start", {"error", error.message, 0},
               {"field", error.field, 0});
        return EXIT_FAILED;
    }
    wait_for_stop(&set);
    rc_server_stop(server);
    return EXIT_OK;
}
