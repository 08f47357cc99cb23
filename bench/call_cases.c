/*
 * Requests are packed before anything is timed; a case sends bytes and takes bytes, as every client
 * must, and does not look into them.
 */
#include "call_cases.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <recount/v1/ingest.pb-c.h>
#include <recount/v1/project.pb-c.h>
#include <recount/v1/query.pb-c.h>

#include "batch_build.h"
#include "client/client.h"
#include "scratch_folder.h"
#include "server/process/server.h"

#define PROJECT "projects/asked"
#define INTAKE "projects/intake"
#define WORLD_EVENTS (25 * CASE_BATCH_EVENTS)
#define SEED 11u
#define TIMEOUT_MS 60000

/* Numbers of batches, as varints of three bytes. */
#define NUMBER_FIRST ((uint64_t)1 << 14)
#define NUMBER_BYTES 3u

struct stream {
    struct rc_client_stream *call;
    uint64_t batch_id;
};

struct world {
    char folder[SCRATCH_FOLDER_BYTES];
    struct rc_config config;
    struct rc_server *server;
    struct rc_client *client;
    struct stream stream;       /* Of an ingestion case. */
    uint64_t event;             /* The next one that it sends. */
    struct rc_writer columns;   /* The message that it sends, but for its number, times and ids. */
    struct batch_places places; /* Where these are in it. */
    struct rc_writer requests[CASE_CALLS];
};

static struct world *world; /* NULL: none was made yet. */

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench: %s failed\n", what);
    abort();
}

/* ---- Ingestion ------------------------------------------------------------------------------- */

/* Sends a message and waits for the answer; bytes of that. */
static uint64_t
exchange(struct stream *stream, const struct rc_writer *message)
{
    const struct rc_bytes bytes = {(const char *)message->data, message->size};
    uint64_t answer_bytes = 0;
    must(rc_client_stream_send(stream->call, bytes) == RC_OK, "sending");
    for (bool sent = false; !sent || answer_bytes == 0;) {
        struct rc_stream_event event;
        rc_client_stream_next(stream->call, TIMEOUT_MS, &event);
        must(event.kind == RC_STREAM_SENT || event.kind == RC_STREAM_MESSAGE, "an answer");
        sent = sent || event.kind == RC_STREAM_SENT;
        answer_bytes += event.message.size;
        rc_writer_close(&event.message);
    }
    return answer_bytes;
}

/* The wire of the streams' first messages and of batches: IngestRequest. */
static void
put(struct rc_writer *request, uint32_t field, struct rc_bytes bytes)
{
    rc_write_varint(request, (uint64_t)field << 3 | 2);
    rc_write_bytes(request, bytes);
}

static void
stream_open(struct stream *stream, const char *project)
{
    struct rc_writer request = {.data = NULL};
    put(&request, 1, rc_bytes_of(project));
    put(&request, 2, rc_bytes_of("bench"));
    *stream = (struct stream){
        .call = rc_client_stream_open(world->client, "/recount.v1.IngestService/Ingest")};
    must(stream->call != NULL, "opening a stream");
    exchange(stream, &request);
    rc_writer_close(&request);
}

static void
stream_close(struct stream *stream)
{
    must(rc_client_stream_finish(stream->call) == RC_OK, "ending a stream");
    struct rc_stream_event event = {.kind = RC_STREAM_TIMEOUT};
    while (event.kind != RC_STREAM_ENDED) {
        rc_client_stream_next(stream->call, TIMEOUT_MS, &event);
        must(event.kind != RC_STREAM_TIMEOUT, "the end of a stream");
        rc_writer_close(&event.message);
    }
    stream->call = rc_client_stream_free(stream->call);
}

/* Appends an IngestRequest; its number always takes as many bytes. */
static void
write_message(struct rc_writer *request, uint32_t field, const struct rc_writer *batch)
{
    rc_write_varint(request, 3 << 3);
    rc_write_varint(request, NUMBER_FIRST);
    put(request, field, (struct rc_bytes){(const char *)batch->data, batch->size});
    must(!request->failed, "memory");
}

static uint64_t
send_numbered(struct stream *stream, struct rc_writer *message)
{
    uint64_t number = NUMBER_FIRST + stream->batch_id++;
    for (uint32_t i = 0; i < NUMBER_BYTES; i++, number >>= 7)
        message->data[1 + i] = (unsigned char)((number & 0x7f) | (i + 1 < NUMBER_BYTES ? 0x80 : 0));
    return exchange(stream, message);
}

static uint64_t
send_columns(void)
{
    batch_build_renumber(world->columns.data, world->places, world->event);
    world->event += CASE_BATCH_EVENTS;
    return send_numbered(&world->stream, &world->columns);
}

static uint64_t
send_line(void)
{
    struct rc_writer batch = batch_build_lines(SEED, world->event++, 1);
    struct rc_writer message = {.data = NULL};
    write_message(&message, 5, &batch);
    const uint64_t size = send_numbered(&world->stream, &message);
    rc_writer_close(&batch);
    rc_writer_close(&message);
    return size;
}

static void
columns_make(void)
{
    struct rc_writer batch = batch_build_columns(SEED, CASE_WEB, 0);
    write_message(&world->columns, 4, &batch);
    rc_writer_close(&batch);
    const struct rc_bytes bytes = {(const char *)world->columns.data, world->columns.size};
    world->places = batch_build_places(bytes, 0);
}

/* ---- Requests -------------------------------------------------------------------------------- */

#define PACK(writer, message)                                                                 \
    do {                                                                                      \
        const size_t size_ = protobuf_c_message_get_packed_size(&(message)->base);            \
        uint8_t *room_ = rc_write_room((writer), size_);                                      \
        must(room_ != NULL, "memory");                                                        \
        must(protobuf_c_message_pack(&(message)->base, room_) == size_, "packing a request"); \
    } while (0)

/* Events whose column has one value. */
struct selector {
    Recount__V1__Value value;
    Recount__V1__PropertyRef property;
    Recount__V1__Leaf leaf;
    Recount__V1__Predicate predicate;
    Recount__V1__SelectorTerm term;
    Recount__V1__SelectorTerm *terms[1];
    Recount__V1__Selector selector;
};

static Recount__V1__Selector *
selector_init(struct selector *made, char *column, char *value)
{
    recount__v1__value__init(&made->value);
    recount__v1__property_ref__init(&made->property);
    recount__v1__leaf__init(&made->leaf);
    recount__v1__predicate__init(&made->predicate);
    recount__v1__selector_term__init(&made->term);
    recount__v1__selector__init(&made->selector);
    made->value.kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
    made->value.string_value = value;
    made->property.source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
    made->property.event_property = column;
    made->leaf.property = &made->property;
    made->leaf.test_case = RECOUNT__V1__LEAF__TEST_EQUALS;
    made->leaf.equals = &made->value;
    made->predicate.kind_case = RECOUNT__V1__PREDICATE__KIND_LEAF;
    made->predicate.leaf = &made->leaf;
    made->term.kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE;
    made->term.predicate = &made->predicate;
    made->terms[0] = &made->term;
    made->selector.n_terms = 1;
    made->selector.terms = made->terms;
    return &made->selector;
}

struct scope {
    Recount__V1__TimeRange range;
    Recount__V1__Scope scope;
};

static Recount__V1__Scope *
scope_init(struct scope *made)
{
    recount__v1__time_range__init(&made->range);
    recount__v1__scope__init(&made->scope);
    made->range.start_ms = BATCH_BUILD_START_MS;
    made->range.end_ms = BATCH_BUILD_START_MS + WORLD_EVENTS * 1000;
    made->scope.project = PROJECT;
    made->scope.range = &made->range;
    return &made->scope;
}

static void
series_pack(struct rc_writer *request, bool broken_down)
{
    struct scope scope;
    struct selector selector;
    Recount__V1__Series series = RECOUNT__V1__SERIES__INIT;
    Recount__V1__Series *all[1] = {&series};
    Recount__V1__BucketSize bucket = RECOUNT__V1__BUCKET_SIZE__INIT;
    Recount__V1__PropertyRef city = RECOUNT__V1__PROPERTY_REF__INIT;
    Recount__V1__BreakdownDimension dimension = RECOUNT__V1__BREAKDOWN_DIMENSION__INIT;
    Recount__V1__BreakdownDimension *dimensions[1] = {&dimension};
    Recount__V1__Breakdown breakdown = RECOUNT__V1__BREAKDOWN__INIT;
    Recount__V1__SeriesRequest series_request = RECOUNT__V1__SERIES_REQUEST__INIT;
    series.selector = selector_init(&selector, "c0", "c0-value-00007");
    series.measure = broken_down ? RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNIQUE_USERS
                                 : RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_EVENTS;
    bucket.unit = broken_down ? RECOUNT__V1__TIME_UNIT__TIME_UNIT_HOUR
                              : RECOUNT__V1__TIME_UNIT__TIME_UNIT_YEAR;
    city.source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
    city.event_property = "c8";
    dimension.kind_case = RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_PROPERTY;
    dimension.property = &city;
    breakdown.n_dimensions = 1;
    breakdown.dimensions = dimensions;
    breakdown.optional_top_case = RECOUNT__V1__BREAKDOWN__OPTIONAL_TOP_TOP;
    breakdown.top = 100;
    series_request.scope = scope_init(&scope);
    series_request.n_series = 1;
    series_request.series = all;
    series_request.bucket = &bucket;
    series_request.breakdown = broken_down ? &breakdown : NULL;
    PACK(request, &series_request);
}

static void
funnel_pack(struct rc_writer *request)
{
    static char *const columns[3] = {"c0", "c1", "c2"};
    static char *const values[3] = {"c0-value-00007", "c1-value-00007", "c2-value-00007"};
    struct scope scope;
    struct selector selectors[3];
    Recount__V1__FunnelStep steps[3];
    Recount__V1__FunnelStep *all[3];
    Recount__V1__FunnelRequest funnel_request = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    for (uint32_t i = 0; i < 3; i++) {
        recount__v1__funnel_step__init(&steps[i]);
        steps[i].selector = selector_init(&selectors[i], columns[i], values[i]);
        all[i] = &steps[i];
    }
    funnel_request.scope = scope_init(&scope);
    funnel_request.n_steps = 3;
    funnel_request.steps = all;
    PACK(request, &funnel_request);
}

static void
events_pack(struct rc_writer *request)
{
    Recount__V1__ListEventsRequest events_request = RECOUNT__V1__LIST_EVENTS_REQUEST__INIT;
    events_request.parent = PROJECT;
    events_request.user = "user-7";
    events_request.page_size = 100;
    PACK(request, &events_request);
}

static void
project_pack(struct rc_writer *request)
{
    Recount__V1__GetProjectRequest project_request = RECOUNT__V1__GET_PROJECT_REQUEST__INIT;
    project_request.name = PROJECT;
    PACK(request, &project_request);
}

/* ---- The world ------------------------------------------------------------------------------- */

static uint64_t
call(const char *method, const struct rc_writer *request)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer reply = {.data = NULL};
    struct rc_call_error error;
    const struct rc_bytes bytes = {(const char *)request->data, request->size};
    if (rc_client_call(world->client, method, bytes, TIMEOUT_MS, &reply, &error) != RC_CALL_OK)
        must(false, error.message);
    return reply.size;
}

static void
project_create(char *id)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer request = {.data = NULL};
    Recount__V1__Project project = RECOUNT__V1__PROJECT__INIT;
    Recount__V1__CreateProjectRequest create = RECOUNT__V1__CREATE_PROJECT_REQUEST__INIT;
    create.project_id = id;
    create.project = &project;
    PACK(&request, &create);
    call("/recount.v1.ProjectService/CreateProject", &request);
}

static void
project_delete(char *name)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer request = {.data = NULL};
    Recount__V1__DeleteProjectRequest delete = RECOUNT__V1__DELETE_PROJECT_REQUEST__INIT;
    delete.name = name;
    PACK(&request, &delete);
    call("/recount.v1.ProjectService/DeleteProject", &request);
}

static void
server_start(void)
{
    static char address[64];
    char data[SCRATCH_FOLDER_BYTES + 16];
    (void)snprintf(data, sizeof(data), "--data=%s", world->folder);
    char *arguments[] = {"recountd", "--listen=127.0.0.1:0", data, "--log-level=error",
                         "--snapshot-interval=0"};
    struct rc_error error = {.message = ""};
    must(rc_config_read(5, arguments, &world->config, &error) == RC_OK, error.message);
    rc_log_configure((enum rc_log_level)world->config.log_level, false);
    must(rc_server_start(&world->config, &world->server, &error) == RC_OK, error.message);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", rc_server_port(world->server));
    world->client = rc_client_new(address);
    must(world->client != NULL, "a client");
}

static void
world_make(void)
{
    world = calloc(1, sizeof(*world));
    must(world != NULL, "memory");
    scratch_folder_make(world->folder);
    server_start();
    columns_make();
    project_create("asked");
    stream_open(&world->stream, PROJECT);
    while (world->event < WORLD_EVENTS)
        send_columns();
    stream_close(&world->stream);
    project_pack(&world->requests[CASE_CALL_PROJECT]);
    series_pack(&world->requests[CASE_CALL_COUNT], false);
    series_pack(&world->requests[CASE_CALL_SERIES], true);
    funnel_pack(&world->requests[CASE_CALL_FUNNEL]);
    events_pack(&world->requests[CASE_CALL_EVENTS]);
}

void
case_calls_end(void)
{
    if (world == NULL)
        return;
    rc_client_free(world->client);
    rc_server_stop(world->server);
    rc_config_close(&world->config);
    scratch_folder_remove(world->folder);
    rc_writer_close(&world->columns);
    for (uint32_t i = 0; i < CASE_CALLS; i++)
        rc_writer_close(&world->requests[i]);
    free(world);
    world = NULL;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* NULL: ingestion. */
static const char *const methods[] = {
    [CASE_CALL_HEALTH] = "/grpc.health.v1.Health/Check",
    [CASE_CALL_PROJECT] = "/recount.v1.ProjectService/GetProject",
    [CASE_CALL_COUNT] = "/recount.v1.QueryService/Series",
    [CASE_CALL_SERIES] = "/recount.v1.QueryService/Series",
    [CASE_CALL_FUNNEL] = "/recount.v1.QueryService/Funnel",
    [CASE_CALL_EVENTS] = "/recount.v1.QueryService/ListEvents",
    [CASE_CALL_INGEST_EVENT] = NULL,
    [CASE_CALL_INGEST_BATCH] = NULL,
};

void
case_call_begin(enum case_call which)
{
    if (world == NULL)
        world_make();
    if (methods[which] != NULL)
        return;
    project_create("intake");
    stream_open(&world->stream, INTAKE);
}

void
case_call_end(enum case_call which)
{
    if (methods[which] != NULL)
        return;
    stream_close(&world->stream);
    project_delete(INTAKE);
}

uint64_t
case_call_run(enum case_call which)
{
    if (which == CASE_CALL_INGEST_EVENT)
        return send_line();
    if (which == CASE_CALL_INGEST_BATCH)
        return send_columns();
    return call(methods[which], &world->requests[which]);
}
