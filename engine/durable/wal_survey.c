/*
 * The files are walked in the order of their numbers. Up to the damage that is the walk of a
 * replay (wal_replay.c); behind it every place where a frame of a file's life may begin is looked
 * at. A file whose header is damaged is read by the salt of its first frame, if that is intact and
 * its sequence could follow: then nothing of it is lost.
 *
 * The newest file is the one that the mark names. If that is missing, cut short or another one,
 * nobody knows how many records it held behind those that are found: at most as many as fit.
 */
#include "engine/durable/wal_survey.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/durable/wal_files.h"
#include "engine/durable/wal_scan.h"

#define PATH_BYTES_EXTRA 96u
#define ASIDE_PREFIX "damaged-"

struct live {
    struct rc_wal_file file;
    bool sound;  /* The header is, or was made good. */
    bool mended; /* It was made good. */
};

struct walk {
    const struct rc_wal_survey_options *options;
    struct rc_wal_survey survey;
    struct live *files;
    size_t file_count;
    size_t file_capacity;
    uint64_t expected; /* The next record above those that were given to on_record. */
    uint64_t lost_last;
    struct rc_wal_mark mark;
    const char *mark_is;   /* What is the matter with it; NULL: nothing. */
    const char *newest_is; /* With the file that it names. */
    uint64_t newest_offset;
    struct rc_error *error;
};

static void
walk_close(struct walk *walk)
{
    rc_alloc_free(walk->files);
}

static enum rc_status
note_name(void *context, const char *name)
{
    struct walk *walk = context;
    bool spare;
    uint64_t number;
    if (!rc_wal_name_parse(name, &spare, &number) || spare)
        return RC_OK;
    RC_TRY(RC_GROW(walk->files, walk->file_capacity, walk->file_count + 1));
    walk->files[walk->file_count++] = (struct live){.file.header.number = number};
    return RC_OK;
}

static enum rc_status
open_live(const struct walk *walk, uint64_t number, struct rc_file **ret_file)
{
    char name[RC_WAL_NAME_BYTES];
    const size_t room = strlen(walk->options->directory) + PATH_BYTES_EXTRA;
    RC_CLEANUP(rc_alloc_freep) char *path = rc_alloc(room);
    if (path == NULL)
        return rc_error_set(walk->error, RC_NO_MEMORY, "no memory for a path of the log");
    rc_wal_name(false, number, name);
    (void)snprintf(path, room, "%s/%s", walk->options->directory, name);
    return rc_file_open(walk->options->disk, path, RC_FILE_READ, ret_file, walk->error);
}

/* The first frame tells the salt and the first sequence. */
static enum rc_status
mend_header(struct walk *walk, struct rc_file *file, struct live *live)
{
    unsigned char bytes[RC_WAL_FRAME_BYTES];
    size_t got = 0;
    uint64_t salt;
    uint32_t payload_bytes;
    RC_TRY(rc_file_read_at(file, bytes, sizeof(bytes), RC_WAL_HEADER_BYTES, &got, walk->error));
    memcpy(&salt, bytes, sizeof(salt));
    if (got < sizeof(bytes) ||
        !rc_wal_frame_is_sound(bytes, live->file.size - RC_WAL_HEADER_BYTES, salt, &payload_bytes))
        return RC_OK;
    live->file.header.salt = salt;
    memcpy(&live->file.header.sequence_first, bytes + 8, sizeof(uint64_t));
    live->sound = live->mended = true;
    return RC_OK;
}

static enum rc_status
read_header(struct walk *walk, struct live *live)
{
    unsigned char block[RC_WAL_HEADER_BYTES];
    size_t got = 0;
    struct rc_wal_header header;
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(open_live(walk, live->file.header.number, &file));
    RC_TRY(rc_file_size(file, &live->file.size, walk->error));
    RC_TRY(rc_file_read_at(file, block, sizeof(block), 0, &got, walk->error));
    live->sound = got == sizeof(block) && rc_wal_header_decode(block, &header) &&
                  header.number == live->file.header.number;
    if (live->sound)
        live->file.header = header;
    return live->sound ? RC_OK : mend_header(walk, file, live);
}

/* Leaves out the files that are ready to be taken into use and hold nothing. */
static void
leave_out_ready(struct walk *walk)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->file_count; i++)
        if (!walk->files[i].sound || walk->files[i].file.header.sequence_first != RC_WAL_NOTHING)
            walk->files[kept++] = walk->files[i];
    walk->file_count = kept;
}

/* Takes back what mend_header made good of files that older lives have left. */
static void
judge_mended(struct walk *walk)
{
    uint64_t before = 0;
    for (size_t i = 0; i < walk->file_count; i++) {
        struct live *live = &walk->files[i];
        if (live->mended && live->file.header.sequence_first <= before)
            live->sound = live->mended = false;
        if (live->sound)
            before = live->file.header.sequence_first;
    }
}

/* The first damage stands; what comes later is behind it. */
static void
note_damage_of(struct walk *walk, const char *name, uint64_t offset, const char *what)
{
    struct rc_wal_survey *survey = &walk->survey;
    if (survey->damaged)
        return;
    survey->damaged = true;
    (void)snprintf(survey->file, sizeof(survey->file), "%s", name);
    survey->offset = offset;
    survey->what = what;
    survey->sequence = walk->expected;
    walk->lost_last = walk->expected - 1;
}

static void
note_damage(struct walk *walk, const struct live *live, uint64_t offset, const char *what)
{
    char name[RC_WAL_NAME_BYTES];
    rc_wal_name(false, live->file.header.number, name);
    note_damage_of(walk, name, offset, what);
}

/* Every record below end is known to have been. */
static void
note_known(struct walk *walk, uint64_t end)
{
    if (end > walk->survey.sequence_end)
        walk->survey.sequence_end = end;
}

static enum rc_status
lose(void *context, const struct rc_wal_frame *frame, struct rc_bytes payload)
{
    struct walk *walk = context;
    note_known(walk, frame->sequence + 1);
    if (!walk->survey.damaged || frame->sequence <= walk->lost_last)
        return RC_OK;
    walk->lost_last = frame->sequence;
    walk->survey.readable_lost++;
    if (walk->options->on_lost == NULL)
        return RC_OK;
    return walk->options->on_lost(walk->options->context, frame->sequence, payload, walk->error);
}

/* Delivers records from a sound file, as long as they go on in order. */
static enum rc_status
walk_records(struct walk *walk, struct rc_wal_scan *scan)
{
    for (;;) {
        struct rc_wal_frame frame;
        struct rc_bytes payload;
        bool found = false;
        RC_TRY(rc_wal_scan_next(scan, &found, &frame, &payload, walk->error));
        if (!found)
            return RC_OK;
        note_known(walk, frame.sequence + 1);
        if (walk->survey.damaged) {
            RC_TRY(lose(walk, &frame, payload));
            continue;
        }
        if (frame.sequence != walk->expected)
            continue; /* In the checkpoint. */
        walk->expected++;
        walk->survey.record_count++;
        if (walk->options->on_record != NULL)
            RC_TRY(walk->options->on_record(walk->options->context, frame.sequence, payload,
                                            walk->error));
    }
}

/* The last record that the mark knows of and no checkpoint has; 0: none. */
static uint64_t
known_durable(const struct walk *walk)
{
    return walk->mark.sequence > walk->options->replay_after ? walk->mark.sequence : 0;
}

static enum rc_status
walk_file(struct walk *walk, size_t index)
{
    const struct live *live = &walk->files[index];
    if (!live->sound) {
        note_damage(walk, live, 0, "the header is damaged");
        return RC_OK;
    }
    const uint64_t first = live->file.header.sequence_first;
    note_known(walk, first);
    if (first > walk->expected)
        note_damage(walk, live, 0, "the records before it are missing");
    RC_CLEANUP(rc_wal_scan_close) struct rc_wal_scan scan = {0};
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(open_live(walk, live->file.header.number, &file));
    RC_TRY(rc_wal_scan_open(&live->file, file, &scan, walk->error));
    RC_TRY(walk_records(walk, &scan));
    struct rc_wal_rest rest;
    const bool newest = index + 1 == walk->file_count;
    if (!newest && !walk->survey.damaged) {
        const struct live *next = &walk->files[index + 1];
        /* A later file begins behind the last record of this one. */
        if (next->sound && next->file.header.sequence_first > scan.expected)
            note_damage(walk, live, scan.position, "a record that was durable is damaged");
    }
    RC_TRY(rc_wal_scan_rest(&scan, NULL, NULL, &rest, walk->error));
    note_known(walk, rest.synced + 1);
    if (newest && !walk->survey.damaged &&
        (rest.synced >= scan.expected || known_durable(walk) >= scan.expected))
        note_damage(walk, live, scan.position, "a record that was durable is damaged");
    if (newest && !walk->survey.damaged && walk->options->replay_after >= scan.expected)
        note_damage(walk, live, scan.position, "the snapshot holds more than the log");
    if (!walk->survey.damaged && newest)
        walk->survey.torn_bytes = rest.end - scan.position;
    if (walk->survey.damaged)
        return rc_wal_scan_rest(&scan, lose, walk, &rest, walk->error);
    return RC_OK;
}

/* Files that hold only records of the checkpoint are passed over; the newest never is. */
static size_t
first_needed(const struct walk *walk)
{
    size_t index = 0;
    for (size_t i = 0; i < walk->file_count; i++)
        if (walk->files[i].sound &&
            walk->files[i].file.header.sequence_first <= walk->options->replay_after + 1)
            index = i;
    return index;
}

/* ---- the mark ---- */

static enum rc_status
read_mark(struct walk *walk)
{
    struct rc_error error;
    const enum rc_status status =
        rc_wal_mark_read(walk->options->disk, walk->options->mark, &walk->mark, &error);
    if (status == RC_CORRUPT)
        walk->mark_is = "it is missing, damaged or of another log: whether the log has its end "
                        "nobody knows";
    else if (status != RC_OK && walk->error != NULL)
        *walk->error = error;
    return status == RC_CORRUPT ? RC_OK : status;
}

/* Judges the file of the number that the mark names. false: it holds nothing of this log. */
static bool
judge_named(struct walk *walk, struct live *live)
{
    const struct rc_wal_mark *mark = &walk->mark;
    const bool other = live->sound && live->file.header.salt != mark->file_salt;
    if (other && live->mended)
        live->sound = live->mended = false; /* By what an older life of the file left. */
    walk->newest_is = live->sound ? NULL : "the header is damaged";
    if (other && live->sound)
        walk->newest_is = "it is not the file that was in use";
    else if (live->file.size < mark->file_bytes) {
        walk->newest_is = "it is cut short";
        walk->newest_offset = live->file.size;
    }
    return !other || !live->sound;
}

/* Looks for the file that the mark names. */
static void
find_newest(struct walk *walk)
{
    const uint64_t number = walk->mark.file_number;
    size_t kept = 0;
    if (number == 0)
        return;
    walk->newest_is = "the newest file of the log is missing";
    for (size_t i = 0; i < walk->file_count; i++)
        if (walk->files[i].file.header.number != number || judge_named(walk, &walk->files[i]))
            walk->files[kept++] = walk->files[i];
    walk->file_count = kept;
}

/* Behind what the files say. */
static void
judge_end(struct walk *walk)
{
    struct rc_wal_survey *survey = &walk->survey;
    const struct rc_wal_mark *mark = &walk->mark;
    char name[RC_WAL_NAME_BYTES];
    rc_wal_name(false, mark->file_number, name);
    note_known(walk, mark->sequence + 1);
    if (walk->newest_is != NULL) {
        note_damage_of(walk, name, walk->newest_offset, walk->newest_is);
        survey->uncounted_max = mark->file_bytes / RC_WAL_FRAME_BYTES;
    }
    if (known_durable(walk) >= walk->expected)
        note_damage_of(walk, RC_WAL_MARK_NAME, 0, "a record that it knows of is missing");
    if (walk->mark_is != NULL) {
        note_damage_of(walk, RC_WAL_MARK_NAME, 0, walk->mark_is);
        survey->uncounted_max = RC_WAL_UNCOUNTED;
    }
}

/* ---- all of it ---- */

enum rc_status
rc_wal_survey(const struct rc_wal_survey_options *options,
              struct rc_wal_survey *ret_survey,
              struct rc_error *reterr_error)
{
    RC_CLEANUP(walk_close)
    struct walk walk = {
        .options = options, .expected = options->replay_after + 1, .error = reterr_error};
    const enum rc_status listed =
        rc_disk_list(options->disk, options->directory, note_name, &walk, reterr_error);
    if (listed != RC_OK && listed != RC_NOT_FOUND)
        return listed;
    note_known(&walk, walk.expected);
    RC_TRY(read_mark(&walk));
    for (size_t i = 0; i < walk.file_count; i++)
        RC_TRY(read_header(&walk, &walk.files[i]));
    find_newest(&walk);
    leave_out_ready(&walk);
    walk.survey.file_count = (uint32_t)walk.file_count;
    judge_mended(&walk);
    const size_t needed = first_needed(&walk);
    for (size_t i = needed; i < walk.file_count; i++)
        RC_TRY(walk_file(&walk, i));
    for (size_t i = 0; i < walk.file_count; i++)
        if (walk.files[i].mended || (i < needed && !walk.files[i].sound))
            note_damage(&walk, &walk.files[i], 0, "the header is damaged, and nothing else");
    judge_end(&walk);
    if (walk.survey.sequence_end < walk.expected)
        walk.survey.sequence_end = walk.expected;
    walk.survey.half_mark = walk.mark.half;
    *ret_survey = walk.survey;
    return RC_OK;
}

/* ---- setting aside ---- */

struct aside {
    struct rc_disk *disk;
    const char *directory;
    uint64_t mark;
    bool changed;
    struct rc_error error; /* A list replaces what its callback says by a stock sentence. */
};

static enum rc_status
set_aside(void *context, const char *name)
{
    struct aside *aside = context;
    bool spare;
    uint64_t number;
    if (!rc_wal_name_parse(name, &spare, &number) || spare)
        return RC_OK;
    const size_t room = strlen(aside->directory) + PATH_BYTES_EXTRA;
    RC_CLEANUP(rc_alloc_freep) char *from = rc_alloc(room);
    RC_CLEANUP(rc_alloc_freep) char *to = rc_alloc(room);
    if (from == NULL || to == NULL)
        return rc_error_set(&aside->error, RC_NO_MEMORY, "no memory for a path of the log");
    (void)snprintf(from, room, "%s/%s", aside->directory, name);
    (void)snprintf(to, room, "%s/" ASIDE_PREFIX "%016" PRIx64 "-%s", aside->directory, aside->mark,
                   name);
    aside->changed = true;
    return rc_disk_rename(aside->disk, from, to, &aside->error);
}

enum rc_status
rc_wal_set_aside(struct rc_disk *disk,
                 const char *directory,
                 uint64_t mark,
                 struct rc_error *reterr_error)
{
    struct aside aside = {.disk = disk, .directory = directory, .mark = mark};
    const enum rc_status status = rc_disk_list(disk, directory, set_aside, &aside, reterr_error);
    if (status != RC_OK && aside.error.status != RC_OK && reterr_error != NULL)
        *reterr_error = aside.error;
    RC_TRY(status);
    return aside.changed ? rc_disk_sync_dir(disk, directory, reterr_error) : RC_OK;
}

bool
rc_wal_name_is_aside(const char *name)
{
    bool spare;
    uint64_t number;
    const size_t prefix = strlen(ASIDE_PREFIX) + 16;
    return strncmp(name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) == 0 && strlen(name) > prefix &&
           name[prefix] == '-' && rc_wal_name_parse(name + prefix + 1, &spare, &number) && !spare;
}
