/* The printing follows the rules for codes in ingest.proto, step by step. */
#include "tests/loaders/load_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recount/v1/ingest.pb-c.h"

typedef Recount__V1__StringTable table_t;
typedef Recount__V1__PropertyColumn column_t;

static uint32_t
u32_at(ProtobufCBinaryData data, size_t index)
{
    uint32_t value;
    assert_true(4 * index + 4 <= data.len);
    memcpy(&value, data.data + 4 * index, 4);
    return value;
}

static uint64_t
u64_at(ProtobufCBinaryData data, size_t index)
{
    uint64_t value;
    assert_true(8 * index + 8 <= data.len);
    memcpy(&value, data.data + 8 * index, 8);
    return value;
}

static struct rc_bytes
text_at(const table_t *table, size_t index)
{
    const uint32_t begin = index == 0 ? 0 : u32_at(table->ends, index - 1);
    const uint32_t end = u32_at(table->ends, index);
    assert_true(begin <= end && end <= table->text.len);
    return (struct rc_bytes){(const char *)table->text.data + begin, end - begin};
}

static void
text_print(FILE *out, struct rc_bytes text)
{
    fprintf(out, "%.*s", (int)text.size, text.data);
}

static uint32_t
code_at(const column_t *column, uint32_t row_count, uint32_t row)
{
    const uint32_t width = column->code_width == 0 ? 4 : column->code_width;
    size_t place = row;
    if (column->rows.len > 0) {
        const size_t count = column->rows.len / 4;
        place = 0;
        while (place < count && u32_at(column->rows, place) != row)
            place++;
        if (place == count)
            return 0;
        assert_int_equal(column->codes.len, count * width);
    } else {
        assert_int_equal(column->codes.len, (size_t)row_count * width);
    }
    uint32_t code = 0;
    memcpy(&code, column->codes.data + place * width, width);
    return code;
}

static void
value_print(FILE *out, const column_t *column, uint32_t code)
{
    static const char *const fixed[] = {"unset", "null", "false", "true"};
    if (code < 4) {
        fputs(fixed[code], out);
        return;
    }
    code -= 4;
    const size_t strings = column->strings == NULL ? 0 : column->strings->ends.len / 4;
    if (code < strings) {
        fputc('"', out);
        text_print(out, text_at(column->strings, code));
        fputc('"', out);
        return;
    }
    code -= (uint32_t)strings;
    if (code < column->ints.len / 8) {
        fprintf(out, "%" PRId64, (int64_t)u64_at(column->ints, code));
        return;
    }
    code -= (uint32_t)(column->ints.len / 8);
    if (code < column->doubles.len / 8) {
        const uint64_t bits = u64_at(column->doubles, code);
        double number;
        memcpy(&number, &bits, 8);
        fprintf(out, "%.15gd", number);
        return;
    }
    code -= (uint32_t)(column->doubles.len / 8);
    assert_non_null(column->lists);
    const uint32_t begin = code == 0 ? 0 : u32_at(column->lists->ends, code - 1);
    for (uint32_t i = begin; i < u32_at(column->lists->ends, code); i++) {
        fputs(i == begin ? "[\"" : ",\"", out);
        text_print(out, text_at(column->strings, u32_at(column->lists->elements, i)));
        fputc('"', out);
    }
    fputc(']', out);
}

/* Properties in the order of the columns. */
static void
properties_print(FILE *out, column_t **columns, size_t count, uint32_t row_count, uint32_t row)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t code = code_at(columns[i], row_count, row);
        if (code == 0)
            continue;
        fprintf(out, " %s=", columns[i]->name);
        value_print(out, columns[i], code);
    }
    fputc('\n', out);
}

static void
batch_print(FILE *out, const Recount__V1__ColumnarBatch *batch)
{
    const Recount__V1__EventTable *events = batch->events;
    for (uint32_t row = 0; events != NULL && row < events->event_count; row++) {
        fputs("event ", out);
        text_print(out, text_at(events->users, u32_at(events->user_codes, row)));
        fprintf(out, " @%" PRId64, (int64_t)u64_at(events->times_ms, row));
        if (events->event_ids_case == RECOUNT__V1__EVENT_TABLE__EVENT_IDS_INT_IDS) {
            fprintf(out, " #%" PRIu64, u64_at(events->int_ids, row));
        } else if (events->event_ids_case == RECOUNT__V1__EVENT_TABLE__EVENT_IDS_TEXT_IDS) {
            fputs(" #", out);
            text_print(out, text_at(events->text_ids, row));
        }
        properties_print(out, events->properties, events->n_properties, events->event_count, row);
    }
    const Recount__V1__UserPropertyTable *users = batch->user_properties;
    for (uint32_t row = 0; users != NULL && row < users->row_count; row++) {
        fputs("user ", out);
        text_print(out, text_at(users->users, u32_at(users->user_codes, row)));
        fprintf(out, " @%" PRId64, (int64_t)u64_at(users->times_ms, row));
        properties_print(out, users->properties, users->n_properties, users->row_count, row);
    }
    const Recount__V1__AliasTable *aliases = batch->aliases;
    for (size_t row = 0; aliases != NULL && row < aliases->left->ends.len / 4; row++) {
        fputs("alias ", out);
        text_print(out, text_at(aliases->left, row));
        fputs(" = ", out);
        text_print(out, text_at(aliases->right, row));
        fputc('\n', out);
    }
    const Recount__V1__AccountPropertyTable *accounts = batch->account_properties;
    for (uint32_t row = 0; accounts != NULL && row < accounts->row_count; row++) {
        const uint32_t code = u32_at(accounts->account_codes, row);
        fputs("account ", out);
        text_print(out, text_at(accounts->account_keys, code));
        fputc('=', out);
        text_print(out, text_at(accounts->accounts, code));
        fprintf(out, " @%" PRId64, (int64_t)u64_at(accounts->times_ms, row));
        properties_print(out, accounts->properties, accounts->n_properties, accounts->row_count,
                         row);
    }
}

struct taker {
    struct rig *rig;
    FILE *out;
};

static enum rc_status
take(void *context, const struct rc_load_batch *batch, struct rc_error *reterr_error)
{
    struct taker *taker = context;
    struct rig *rig = taker->rig;
    if (rig->stop_after > 0 && rig->batches == rig->stop_after)
        return rc_error_set(reterr_error, RC_CANCELLED, "the rig stops here");
    Recount__V1__IngestRequest *request = recount__v1__ingest_request__unpack(
        NULL, batch->request.size, (const uint8_t *)batch->request.data);
    assert_non_null(request);
    assert_int_equal(request->batch_id, batch->batch_id);
    assert_non_null(request->columnar);
    assert_int_equal(request->columnar->events == NULL ? 0 : request->columnar->events->event_count,
                     batch->event_count);
    batch_print(taker->out, request->columnar);
    recount__v1__ingest_request__free_unpacked(request, NULL);
    rig->position = *batch->position;
    rig->batches++;
    return RC_OK;
}

void
rig_file(const void *data, size_t size, char path[64])
{
    strcpy(path, "/tmp/recount-loader-XXXXXX");
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, data, size), size);
    close(descriptor);
}

static char *
file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    if (file != NULL) {
        const size_t size = fread(text, 1, (1 << 20) - 1, file);
        text[size] = '\0';
        fclose(file);
        unlink(path);
    }
    return text;
}

struct rig
rig_of(const char *mapping, const char *text)
{
    return (struct rig){.inputs = {{mapping, text, strlen(text)}}, .input_count = 1};
}

static void
mapping_make(const char *text, struct rc_mapping **ret_mapping)
{
    struct rc_error error = {0};
    const enum rc_status status =
        strchr(text, '[') == NULL
            ? rc_mapping_load(text, ret_mapping, &error)
            : rc_mapping_parse("test.ini", rc_bytes_of(text), ret_mapping, &error);
    if (status != RC_OK)
        fail_msg("mapping: %s", error.message);
}

void
rig_run(struct rig *rig)
{
    struct rc_load_input inputs[RIG_INPUTS_MAX];
    struct rc_mapping *mappings[RIG_INPUTS_MAX] = {0};
    for (uint32_t i = 0; i < rig->input_count; i++) {
        mapping_make(rig->inputs[i].mapping, &mappings[i]);
        if (rig->paths[i][0] == '\0')
            rig_file(rig->inputs[i].data, rig->inputs[i].size, rig->paths[i]);
        inputs[i] = (struct rc_load_input){rig->paths[i], mappings[i]};
    }
    char reject_path[64];
    rig_file("", 0, reject_path);
    struct rc_rejects *rejects = NULL;
    assert_int_equal(rc_rejects_new(reject_path,
                                    rig->rejects_max == 0 ? UINT64_MAX : rig->rejects_max, false,
                                    &rejects, NULL),
                     RC_OK);
    size_t size;
    struct taker taker = {.rig = rig};
    free(rig->rows);
    free(rig->rejects);
    taker.out = open_memstream(&rig->rows, &size);
    const struct rc_load_options options = {.inputs = inputs,
                                            .input_count = rig->input_count,
                                            .merge_by_time = rig->merge_by_time,
                                            .batch_rows_max = rig->batch_rows_max,
                                            .first_batch_id = 1,
                                            .resume_at = rig->resume_at,
                                            .rejects = rejects,
                                            .context = &taker,
                                            .take = take};
    rig->batches = 0;
    rig->error = (struct rc_error){0};
    rig->status = rc_load(&options, &rig->totals, &rig->error);
    fclose(taker.out);
    rc_rejects_free(rejects);
    rig->rejects = file_text(reject_path);
    for (uint32_t i = 0; i < rig->input_count; i++)
        rc_mapping_free(mappings[i]);
}

void
rig_close(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->input_count; i++)
        unlink(rig->paths[i]);
    free(rig->rows);
    free(rig->rejects);
}

void
rig_expect(const char *mapping, const char *text, const char *rows)
{
    struct rig rig = rig_of(mapping, text);
    rig_run(&rig);
    if (rig.status != RC_OK)
        fail_msg("load: %s", rig.error.message);
    assert_string_equal(rig.rejects, "");
    assert_string_equal(rig.rows, rows);
    rig_close(&rig);
}

void
rig_expect_reject(const char *mapping, const char *text, const char *reason)
{
    struct rig rig = rig_of(mapping, text);
    rig_run(&rig);
    if (rig.status != RC_OK)
        fail_msg("load: %s", rig.error.message);
    assert_string_equal(rig.rows, "");
    assert_int_equal(rig.totals.rejected, 1);
    char *field = strtok(rig.rejects, "\t");
    assert_string_equal(field, rig.paths[0]);
    assert_non_null(strtok(NULL, "\t"));
    assert_string_equal(strtok(NULL, "\t"), reason);
    rig_close(&rig);
}
