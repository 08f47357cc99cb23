/* Download: messages are written as they come, and the stream is cancelled once that fails. */
#include "cli/command/download.h"

#include "cli/session/message.h"
#include "client/client.h"

#define WAIT_MS 60000

struct download {
    struct rc_session *session;
    struct rc_client_stream *stream;
    FILE *out;
    rc_download_write write;
    void *context;
};

static enum rc_exit_code
write_message(const struct download *download, const struct rc_writer *message)
{
    const struct rc_bytes bytes = {(const char *)message->data, message->size};
    if (!download->write(download->context, bytes, download->out)) {
        fputs("recount: the server sent what cannot be read\n", stderr);
        return RC_EXIT_INTERNAL;
    }
    if (!ferror(download->out))
        return RC_EXIT_OK;
    perror("recount: the export cannot be written");
    return RC_EXIT_FILE;
}

static enum rc_exit_code
receive(const struct download *download)
{
    struct rc_client_stream *stream = download->stream;
    enum rc_exit_code code = RC_EXIT_OK;
    for (;;) {
        struct rc_stream_event event;
        rc_client_stream_next(stream, WAIT_MS, &event);
        if (event.kind == RC_STREAM_SENT && rc_client_stream_finish(stream) != RC_OK)
            rc_client_stream_cancel(stream);
        if (event.kind == RC_STREAM_MESSAGE) {
            if (code == RC_EXIT_OK)
                code = write_message(download, &event.message);
            rc_writer_close(&event.message);
        }
        if (code != RC_EXIT_OK || event.kind == RC_STREAM_TIMEOUT)
            rc_client_stream_cancel(stream);
        if (event.kind != RC_STREAM_ENDED)
            continue;
        struct rc_call_error error;
        const enum rc_call_code ended = rc_client_stream_status(stream, &error);
        if (code != RC_EXIT_OK || ended == RC_CALL_OK)
            return code;
        rc_session_print_error(download->session, &error);
        return rc_exit_code_of_call(ended);
    }
}

enum rc_exit_code
rc_download(struct rc_session *session,
            const char *method,
            const void *request,
            const char *file,
            rc_download_write write,
            void *context)
{
    enum rc_exit_code code = RC_EXIT_INTERNAL;
    FILE *out = file == NULL ? stdout : fopen(file, "w");
    if (out == NULL) {
        fprintf(stderr, "recount: ");
        perror(file);
        return RC_EXIT_FILE;
    }
    RC_CLEANUP(rc_client_stream_freep)
    struct rc_client_stream *stream = rc_client_stream_open(rc_session_client(session), method);
    const struct download download = {
        .session = session, .stream = stream, .out = out, .write = write, .context = context};
    if (stream != NULL &&
        rc_client_stream_send(stream, rc_message_pack(session->arena, request)) == RC_OK)
        code = receive(&download);
    if ((file == NULL ? fflush(out) : fclose(out)) != 0 && code == RC_EXIT_OK) {
        perror("recount: the export cannot be written");
        code = RC_EXIT_FILE;
    }
    return code;
}
