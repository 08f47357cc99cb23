/* Compare options: see compare_options.h. */
#include "cli/options/compare_options.h"

#include <stdio.h>
#include <string.h>

#include "cli/options/options.h"

enum rc_exit_code
rc_compare_options_read(struct rc_arena *arena,
                        const char *text,
                        Recount__V1__SeriesComparison **ret_comparison)
{
    char unit[16];
    unsigned count = 0;
    int used = 0;
    *ret_comparison = NULL;
    if (text == NULL)
        return RC_EXIT_OK;
    Recount__V1__SeriesComparison *comparison =
        RC_MESSAGE(arena, Recount__V1__SeriesComparison, recount__v1__series_comparison);
    *ret_comparison = comparison;
    if (strcmp(text, "previous") == 0) {
        comparison->kind_case = RECOUNT__V1__SERIES_COMPARISON__KIND_PREVIOUS_PERIOD;
        comparison->previous_period =
            RC_MESSAGE(arena, Recount__V1__PreviousPeriod, recount__v1__previous_period);
        return RC_EXIT_OK;
    }
    comparison->kind_case = RECOUNT__V1__SERIES_COMPARISON__KIND_SHIFT;
    comparison->shift = RC_MESSAGE(arena, Recount__V1__CalendarShift, recount__v1__calendar_shift);
    const bool read =
        sscanf(text, "%u %15[a-z]%n", &count, unit, &used) == 2 && count > 0 && text[used] == '\0';
    const size_t size = read ? strlen(unit) : 0;
    if (size > 1 && unit[size - 1] == 's')
        unit[size - 1] = '\0';
    if (!read || !rc_options_unit(unit, &comparison->shift->unit)) {
        fprintf(stderr,
                "recount: --compare takes \"previous\" or a number of days, weeks or months "
                "(\"1 month\")\n");
        return RC_EXIT_USAGE;
    }
    comparison->shift->count = count;
    return RC_EXIT_OK;
}
