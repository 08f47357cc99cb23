/* Load progress: see load_progress.h. The rate is the mean since the begin: it does not jump. */
#include "cli/load/load_progress.h"

#include <unistd.h>

#include "cli/language/when.h"
#include "cli/render/paint.h"
#include "engine/base/clock.h"

#define SHOW_NS UINT64_C(100000000)
#define BAR_WIDTH 24

void
rc_load_progress_begin(struct rc_load_progress *progress, FILE *out, bool quiet)
{
    *progress = (struct rc_load_progress){
        .out = quiet || !isatty(fileno(out)) ? NULL : out,
        .begin_ns = rc_clock_monotonic_ns(),
    };
}

void
rc_load_progress_show(struct rc_load_progress *progress,
                      uint64_t rows,
                      uint64_t rejected,
                      uint64_t bytes_done,
                      uint64_t bytes_size,
                      uint64_t now_ns)
{
    if (progress->out == NULL || now_ns < progress->shown_ns + SHOW_NS)
        return;
    const struct rc_paint paint = rc_paint_of(progress->out, 0);
    const double seconds = (double)(now_ns - progress->begin_ns) / 1e9;
    const double bytes = (double)(bytes_done - progress->begin_bytes);
    char count[32], eta[RC_WHEN_TEXT_BYTES];
    progress->shown_ns = now_ns;
    progress->line = true;
    fputs("\r\033[K", progress->out);
    if (bytes_size > 0) {
        const double share = (double)bytes_done / (double)bytes_size;
        rc_paint_bar(&paint, share, BAR_WIDTH);
        fprintf(progress->out, " %3.0f%% ", share * 100);
    }
    fprintf(progress->out, " %s rows, ", rc_paint_count(count, rows));
    fprintf(progress->out, "%s rows/s, %.1f MB/s",
            rc_paint_count(count, seconds > 0 ? (uint64_t)((double)rows / seconds) : 0),
            seconds > 0 ? bytes / seconds / 1e6 : 0);
    if (bytes_size > bytes_done && bytes > 0)
        fprintf(progress->out, ", %s to go",
                rc_when_write_seconds(eta, seconds / bytes * (double)(bytes_size - bytes_done)));
    if (rejected > 0)
        fprintf(progress->out, ", %s rejected", rc_paint_count(count, rejected));
    fflush(progress->out);
}

void
rc_load_progress_clear(struct rc_load_progress *progress)
{
    if (progress->out != NULL && progress->line)
        fputs("\r\033[K", progress->out);
    progress->line = false;
}
