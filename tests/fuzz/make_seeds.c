/*
 * Seeds of the stored formats: make_seeds DIRECTORY. Each is written by the code that the engine
 * stores with, so the seeds follow the formats without being kept anywhere.
 */
#include <string.h>

#include "engine/durable/manifest.h"
#include "engine/durable/wal.h"
#include "engine/durable/wal_format.h"
#include "engine/intake/apply.h"
#include "engine/intake/record.h"
#include "engine/keep/manifest_content.h"
#include "engine/keep/state.h"
#include "engine/match/rows/rowset_codec.h"
#include "engine/query/segment/segment.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/value/value_key.h"
#include "tests/base/disk_faulty.h"
#include "tests/fuzz/seeds.h"

#define START_MS ((int64_t)1700000000000)
#define LITERAL RC_BYTES_LITERAL

static const char *directory;

static enum rc_status
on_replay(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    (void)context;
    (void)payload;
    return rc_error_set(reterr_error, RC_CORRUPT, "record %llu in a new log",
                        (unsigned long long)sequence);
}

static void
on_durable(void *context,
           uint64_t sequence,
           struct rc_bytes payload,
           void *token,
           enum rc_status status)
{
    (void)context;
    (void)sequence;
    (void)payload;
    (void)token;
    FUZZ_CHECK(status == RC_OK);
}

/* Keeps the first name of a live file: context is room for a name. */
static enum rc_status
keep_name(void *context, const char *name)
{
    char *kept = context;
    if (kept[0] == '\0' && strncmp(name, "wal-", 4) == 0)
        snprintf(kept, RC_WAL_NAME_BYTES, "%s", name);
    return RC_OK;
}

static void
make_wal(void)
{
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    const struct rc_wal_options options = {.disk = rc_disk_faulty_disk(faulty),
                                           .directory = "wal",
                                           .file_bytes = 8192,
                                           .buffer_bytes_max = 4096,
                                           .on_replay = on_replay,
                                           .on_durable = on_durable};
    struct rc_wal *wal = NULL;
    size_t size;
    char name[RC_WAL_NAME_BYTES] = "";
    char path[RC_WAL_NAME_BYTES + 4];
    FUZZ_CHECK(rc_disk_make_dir(options.disk, "wal", NULL) == RC_OK);
    FUZZ_CHECK(rc_wal_open(&options, &wal, NULL) == RC_OK);
    for (int i = 0; i < 3; i++) {
        FUZZ_CHECK(rc_wal_append(wal, LITERAL("head"), LITERAL("body"), NULL, NULL) == RC_OK);
        rc_wal_drain(wal);
    }
    wal = rc_wal_close(wal);
    FUZZ_CHECK(rc_disk_list(options.disk, "wal", keep_name, name, NULL) == RC_OK);
    snprintf(path, sizeof(path), "wal/%s", name);
    const char *file = rc_disk_faulty_peek(faulty, path, &size);
    FUZZ_CHECK(size == 8192);
    /* The target leaves the zeros of the header's page out. */
    char seed[RC_WAL_HEADER_USED + 512];
    memcpy(seed, file, RC_WAL_HEADER_USED);
    memcpy(seed + RC_WAL_HEADER_USED, file + RC_WAL_HEADER_BYTES, 512);
    for (int signed_frames = 0; signed_frames < 6; signed_frames += 5) {
        snprintf(name, sizeof(name), "log-%d", signed_frames);
        seed_write(directory, "wal", name, signed_frames, (struct rc_bytes){seed, sizeof(seed)});
    }
    rc_disk_faulty_free(faulty);
}

static void
make_manifest(void)
{
    const struct rc_manifest_project projects[] = {{LITERAL("a"), 3, 9, 7, 0x1234},
                                                   {LITERAL("b"), 4, 9, 2, 0}};
    const struct rc_manifest_content content = {
        .number = 7, .sequence = 9, .project_count = 2, .projects = projects};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_manifest_content_write(&writer, &content);
    seed_write(directory, "manifest", "content", 0, fuzz_written(&writer));
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    FUZZ_CHECK(rc_manifest_write(disk, ".", fuzz_written(&writer), NULL) == RC_OK);
    size_t size;
    const char *file = rc_disk_faulty_peek(faulty, "MANIFEST", &size);
    seed_write(directory, "manifest", "file", 1, (struct rc_bytes){file, size});
    rc_disk_faulty_free(faulty);
}

/* A text of a head: an address, now and then a list. */
static rc_cell
text_cell(struct rc_dictionary *values, uint32_t number)
{
    char text[40];
    uint32_t code = 0;
    const int size = snprintf(text, sizeof(text), "https://example.org/%u", number);
    const struct rc_bytes items[2] = {{text, (size_t)size}, LITERAL("")};
    const struct rc_value string = rc_value_string(items[0]);
    const struct rc_value list = {.kind = RC_VALUE_LIST, .item_count = 2, .items = items};
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    FUZZ_CHECK(rc_value_key_open(&key, number % 9 == 0 ? list : string) == RC_OK);
    FUZZ_CHECK(rc_dictionary_intern(values, key.bytes, &code) == RC_OK);
    return rc_cell_of_text(code);
}

static void
make_slab(uint32_t row_count, uint32_t days, const char *name)
{
    enum { ROWS_MAX = 100, COLUMNS = 7 };
    static uint32_t users[ROWS_MAX];
    static int64_t times_ms[ROWS_MAX];
    static struct rc_event_id ids[ROWS_MAX];
    static rc_cell cells[COLUMNS][ROWS_MAX];
    static const uint32_t properties[COLUMNS] = {1, 2, 5, 6, 9, 12, 13};
    struct rc_dictionary *values = NULL;
    FUZZ_CHECK(rc_dictionary_new(NULL, &values) == RC_OK);
    for (uint32_t i = 0; i < row_count; i++) {
        users[i] = i / 7;
        times_ms[i] = START_MS + i * 1000;
        ids[i] = (struct rc_event_id){.kind = i % 3, .number = i + 1};
        if (ids[i].kind == RC_EVENT_ID_TEXT)
            ids[i].text = i % 2 == 0 ? LITERAL("text") : LITERAL("another text");
        FUZZ_CHECK(rc_cell_inline(rc_value_int(i % 5), &cells[0][i]));
        FUZZ_CHECK(rc_cell_inline(rc_value_int(i / 20), &cells[1][i]));
        cells[2][i] = i % 40 == 0 ? rc_cell_of_code(i) : RC_CELL_NULL;
        cells[3][i] = text_cell(values, i * 7 % 61);
        FUZZ_CHECK(rc_cell_inline(rc_value_int(i / 9), &cells[5][i])); /* Marked, of enough rows. */
        cells[6][i] = i % 3 == 1 ? cells[0][i] : RC_CELL_NULL;
        cells[4][i] = i % 5 == 0 ? text_cell(values, i / 10) : cells[2][i];
    }
    const rc_cell *columns[COLUMNS] = {cells[0], cells[1], cells[2], cells[3],
                                       cells[4], cells[5], cells[6]};
    const struct rc_dictionary *texts[COLUMNS] = {NULL, NULL, NULL, values, values, NULL, NULL};
    const struct rc_row_source rows = {.row_count = row_count,
                                       .users = users,
                                       .times_ms = times_ms,
                                       .ids = ids,
                                       .column_count = COLUMNS,
                                       .column_properties = properties,
                                       .column_cells = columns,
                                       .column_texts = texts};
    const struct rc_slab_source source = {.rows = &rows};
    struct rc_slab *slab = NULL;
    const struct rc_window window = rc_window_of(START_MS, days);
    FUZZ_CHECK(rc_slab_build(&source, 1, window, NULL, &rc_account_process, NULL, &slab, NULL) ==
                   RC_OK &&
               rc_slab_get_info(slab)->row_count == row_count);
    seed_write(directory, "slab", name, 1, rc_slab_bytes(slab));
    seed_write(directory, "cold", name, 1, rc_slab_bytes(slab));
    rc_slab_unref(slab);
    rc_dictionary_free(values);
}

/* A file of bitmaps with a set of each kind of block. The target puts the header right. */
static void
make_bitmaps(void)
{
    enum { ROWS = 70000 };
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    static const char header[32] = {[24] = 5};
    rc_write_raw(&writer, header, sizeof(header));
    for (uint32_t kind = 0; kind < 5; kind++) {
        struct rc_rowset_builder *builder = NULL;
        struct rc_rowset *set = NULL;
        const char key[2] = {'k', (char)('0' + kind)};
        FUZZ_CHECK(rc_rowset_builder_new(ROWS, NULL, &builder) == RC_OK);
        for (uint32_t begin = 0; begin < ROWS; begin += RC_BLOCK_ROWS) {
            static uint64_t words[RC_BLOCK_WORDS];
            memset(words, 0, sizeof(words));
            for (uint32_t row = begin; row < begin + RC_BLOCK_ROWS && row < ROWS; row++)
                if (kind == 1 || (kind == 2 && row % 997 == 0) || (kind == 3 && row % 900 < 300) ||
                    (kind == 4 && row % 3 == 0))
                    words[(row - begin) / 64] |= (uint64_t)1 << (row % 64);
            FUZZ_CHECK(rc_rowset_builder_append(builder, words) == RC_OK);
        }
        FUZZ_CHECK(rc_rowset_builder_finish(builder, &set) == RC_OK);
        rc_rowset_builder_free(builder);
        rc_write_bytes(&writer, (struct rc_bytes){key, sizeof(key)});
        rc_rowset_write(&writer, set);
        rc_rowset_unref(set);
    }
    seed_write(directory, "bitmaps", "kinds", 1, fuzz_written(&writer));
}

/* A batch of three events, a write and an alias. */
static const struct rc_batch *
the_batch(void)
{
    static const struct rc_bytes users[] = {RC_BYTES_LITERAL("ann"), RC_BYTES_LITERAL("7")};
    static const uint32_t user_codes[] = {0, 1, 0};
    static const int64_t times_ms[] = {START_MS, START_MS + 1, START_MS - 86400000};
    static const struct rc_bytes ids[] = {RC_BYTES_LITERAL("1"), RC_BYTES_LITERAL("x"),
                                          RC_BYTES_LITERAL("")};
    static const struct rc_bytes items[] = {RC_BYTES_LITERAL("a"), RC_BYTES_LITERAL("b")};
    static const struct rc_value values[] = {
        {.kind = RC_VALUE_STRING, .string = RC_BYTES_LITERAL("click")},
        {.kind = RC_VALUE_DOUBLE, .real = 0.5},
        {.kind = RC_VALUE_LIST, .item_count = 2, .items = items},
        {.kind = RC_VALUE_INT, .integer = 1234567890123},
    };
    static const unsigned char codes[] = {1, 2, 3, 4};
    static const uint32_t rows[] = {2};
    static const struct rc_batch_column columns[] = {
        {RC_BYTES_LITERAL("type"), 4, values, 1, codes, 0, NULL},
        {RC_BYTES_LITERAL("price"), 4, values, 1, codes + 3, 1, (const unsigned char *)rows},
    };
    static struct rc_batch batch;
    batch.events = (struct rc_batch_table){
        3, 2,      users, (const unsigned char *)user_codes, (const unsigned char *)times_ms,
        2, columns};
    batch.text_ids = ids;
    batch.writes = batch.events;
    batch.writes.row_count = 1;
    batch.writes.column_count = 1;
    batch.alias_count = 1;
    batch.alias_left = users;
    batch.alias_right = users + 1;
    return &batch;
}

static void
make_batch(struct rc_arena *arena)
{
    const struct rc_batch_keep keep = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_batch_write(&writer, the_batch(), &keep, arena);
    seed_write(directory, "batch", "three", -1, fuzz_written(&writer));
    struct rc_record record = {.kind = RC_RECORD_BATCH,
                               .project = LITERAL("p"),
                               .client_stream = LITERAL("s"),
                               .batch_id = 3};
    RC_CLEANUP(rc_writer_close) struct rc_writer logged = {0};
    rc_record_write(&logged, &record);
    rc_write_raw(&logged, writer.data, writer.size);
    seed_write(directory, "record", "batch", -1, fuzz_written(&logged));
}

static void
make_changes(struct rc_record change)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer one = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer changes = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_record_write(&one, &change);
    rc_write_bytes(&changes, (struct rc_bytes){(const char *)one.data, one.size});
    const struct rc_record record = {.kind = RC_RECORD_CHANGES,
                                     .project = change.project,
                                     .change_count = 1,
                                     .changes = {(const char *)changes.data, changes.size}};
    rc_record_write(&writer, &record);
    seed_write(directory, "record", "changes", -1, fuzz_written(&writer));
}

static void
make_records(void)
{
    struct rc_record records[] = {
        {.kind = RC_RECORD_PROJECT_PUT,
         .settings = {.id = LITERAL("p"), .zone = LITERAL("Europe/Berlin"), .week_start = 6}},
        {.kind = RC_RECORD_PROJECT_DELETE},
        {.kind = RC_RECORD_ENTRY_PUT,
         .catalog = RC_CATALOG_DEFINITIONS,
         .entry = {.name = LITERAL("d"), .payload = LITERAL("\1"), .version = 1}},
        {.kind = RC_RECORD_ENTRY_REMOVE,
         .catalog = RC_CATALOG_SEGMENTS,
         .entry = {.name = LITERAL("s")}},
        {.kind = RC_RECORD_NOTHING, .asked = {LITERAL("ada"), LITERAL("r"), 3}},
    };
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        char name[16];
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        records[i].project = LITERAL("p");
        rc_record_write(&writer, &records[i]);
        snprintf(name, sizeof(name), "kind-%d", (int)records[i].kind);
        seed_write(directory, "record", name, -1, fuzz_written(&writer));
    }
    make_changes(records[2]);
}

/* Leaves every other entry of each dictionary out. */
static void
make_holes(struct rc_project *project)
{
    struct rc_properties *properties = rc_project_event_properties(project);
    struct rc_dictionary *rebuilt[64] = {NULL};
    struct rc_properties *with_holes = NULL;
    const uint64_t live[] = {0x5555555555555555};
    for (uint32_t i = 0; i < rc_properties_count(properties); i++)
        FUZZ_CHECK(rc_dictionary_rebuild(rc_properties_dictionary(properties, i), live,
                                         &rebuilt[i]) == RC_OK);
    FUZZ_CHECK(rc_properties_rebuild(properties, rebuilt, &with_holes) == RC_OK);
    rc_project_set_event_properties(project, with_holes);
}

static void
make_state(struct rc_arena *arena, bool holes, const char *name)
{
    struct rc_state state = {.settings = {.id = LITERAL("p"), .zone = LITERAL("UTC")},
                             .next_slab_id = 3,
                             .slab_count = 1};
    FUZZ_CHECK(rc_project_new(&state.settings, &rc_account_process, 64, &state.project) == RC_OK);
    struct rc_applied applied;
    FUZZ_CHECK(rc_apply_batch(state.project, LITERAL("s"), 1, the_batch(), 1, arena, &applied,
                              NULL) == RC_OK);
    if (holes)
        make_holes(state.project);
    FUZZ_CHECK(rc_project_view(state.project, NULL, &state.view) == RC_OK);
    FUZZ_CHECK(rc_streams_copy(rc_project_streams(state.project), arena, &state.streams) == RC_OK);
    const uint64_t dead[1] = {5};
    const struct rc_state_slab slab = {2, 99, 2, 1, dead};
    state.slabs = &slab;
    rc_state_pin_catalogs(&state);
    for (uint64_t version = 1; version <= 2; version++) {
        const struct rc_catalog_entry entry = {
            .name = LITERAL("d"), .payload = LITERAL("\1"), .version = version};
        struct rc_catalog *with_entry = NULL;
        FUZZ_CHECK(rc_catalog_put(state.catalogs[0], &entry, &with_entry) == RC_OK);
        rc_catalog_unref(state.catalogs[0]);
        state.catalogs[0] = with_entry;
    }
    const struct rc_receipt receipt = {.request_id = LITERAL("r"), .sequence = 1};
    struct rc_receipts *receipts = NULL;
    FUZZ_CHECK(rc_receipts_put(state.receipts, &receipt, &receipts) == RC_OK);
    rc_receipts_unref(state.receipts);
    state.receipts = receipts;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_state_write(&writer, &state);
    /* The target adds magic and checksum itself. */
    const struct rc_bytes file = fuzz_written(&writer);
    seed_write(directory, "state", name, -1, (struct rc_bytes){file.data + 7, file.size - 11});
    rc_state_unpin_catalogs(&state);
    rc_view_release(state.view);
    rc_project_unref(state.project);
}

static void
make_predicates(void)
{
    const struct rc_value texts[] = {{.kind = RC_VALUE_STRING, .string = LITERAL("b")},
                                     {.kind = RC_VALUE_STRING, .string = LITERAL("a.*")}};
    const struct rc_value numbers[] = {rc_value_int(3), {.kind = RC_VALUE_DOUBLE, .real = 4.5}};
    struct rc_predicate leaves[12];
    const struct rc_predicate *children[14];
    for (int i = 0; i < 12; i++) {
        const enum rc_leaf_operator test = (enum rc_leaf_operator)(RC_LEAF_IN + i);
        const bool ordered = test >= RC_LEAF_LESS && test <= RC_LEAF_BETWEEN;
        leaves[i] = (struct rc_predicate){
            .kind = RC_PREDICATE_LEAF,
            .leaf = {.scope = RC_LEAF_EVENT,
                     .operator= test,
                     .property = LITERAL("type"),
                     .value_count = test == RC_LEAF_IN || test == RC_LEAF_BETWEEN ? 2
                                    : test == RC_LEAF_IS_SET                      ? 0
                                                                                  : 1,
                     .values = ordered ? numbers : texts}};
        children[i] = &leaves[i];
    }
    leaves[8].leaf.scope = RC_LEAF_USER;
    leaves[9].leaf.ignore_case = true;
    const struct rc_predicate negation = {
        .kind = RC_PREDICATE_NOT, .child_count = 1, .children = children};
    const struct rc_predicate definition = {.kind = RC_PREDICATE_DEFINITION,
                                            .definition = LITERAL("d")};
    children[12] = &negation;
    children[13] = &definition;
    const struct rc_predicate any = {
        .kind = RC_PREDICATE_ANY_OF, .child_count = 14, .children = children};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_predicate_write(&writer, &any);
    seed_write(directory, "predicate", "all-kinds", -1, fuzz_written(&writer));

    const struct rc_segment user = {.kind = RC_SEGMENT_USER, .predicate = &leaves[8]};
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = LITERAL("s")};
    const struct rc_segment behaviour = {.kind = RC_SEGMENT_BEHAVIOUR,
                                         .behaviour = {.selector = &leaves[0],
                                                       .measure = RC_BEHAVIOUR_COUNT,
                                                       .comparison = RC_GE,
                                                       .n = 2,
                                                       .window = RC_WINDOW_RELATIVE,
                                                       .prior_ms = 86400000}};
    const struct rc_segment version = {
        .kind = RC_SEGMENT_SAVED, .name = LITERAL("s"), .version = 2};
    const struct rc_segment *rules[] = {&user, &saved, &behaviour, &version};
    const struct rc_segment all = {.kind = RC_SEGMENT_ALL_OF, .child_count = 4, .children = rules};
    RC_CLEANUP(rc_writer_close) struct rc_writer segment_writer = {0};
    rc_segment_write(&segment_writer, &all);
    seed_write(directory, "segment", "all-kinds", -1, fuzz_written(&segment_writer));
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    make_wal();
    make_manifest();
    make_slab(1, RC_WINDOW_DAYS_MAX, "one-row");
    make_slab(12, RC_WINDOW_DAYS_MAX, "twelve-rows");
    make_slab(100, RC_WINDOW_DAYS_MAX, "hundred-rows");
    make_slab(100, RC_WINDOW_DAYS_MIDDLE, "week");
    make_slab(12, RC_WINDOW_DAYS_MIN, "day");
    make_batch(arena);
    make_records();
    make_bitmaps();
    make_state(arena, false, "small");
    make_state(arena, true, "holes");
    make_predicates();
    return 0;
}
