/* CSV: see csv.h. */
#include "cli/render/csv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/language/expression_print.h"

static void
begin(struct rc_csv_writer *csv)
{
    if (csv->inside)
        fputc(',', csv->out);
    csv->inside = true;
}

void
rc_csv_text(struct rc_csv_writer *csv, const char *text)
{
    begin(csv);
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, csv->out);
        return;
    }
    fputc('"', csv->out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', csv->out);
        fputc(*text, csv->out);
    }
    fputc('"', csv->out);
}

void
rc_csv_count(struct rc_csv_writer *csv, uint64_t count)
{
    begin(csv);
    fprintf(csv->out, "%" PRIu64, count);
}

void
rc_csv_number(struct rc_csv_writer *csv, double number)
{
    begin(csv);
    if (!isnan(number))
        rc_expression_print_number(csv->out, number);
}

void
rc_csv_end_row(struct rc_csv_writer *csv)
{
    fputs("\r\n", csv->out);
    csv->inside = false;
}

void
rc_csv_head(struct rc_csv_writer *csv, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        rc_csv_text(csv, *texts);
    rc_csv_end_row(csv);
}
