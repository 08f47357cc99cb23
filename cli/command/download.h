/*
 * Download: a call that answers one request with a stream of messages, which go into a file or to
 * standard output.
 *
 * Threading: one thread.
 * Errors:    what went wrong is printed, and the exit code says of which class it is. What was
 *            written before stays.
 */
#ifndef RC_CLI_COMMAND_DOWNLOAD_H
#define RC_CLI_COMMAND_DOWNLOAD_H

#include <stdio.h>

#include "cli/session/session.h"

/* Writes a message of the stream. false: it is none, which is told. */
typedef bool (*rc_download_write)(void *context, struct rc_bytes message, FILE *out);

/* method is "/recount.v1.IngestService/ExportUser"; file NULL: standard output. */
RC_MUST_USE enum rc_exit_code
rc_download(struct rc_session *session,
            const char *method,
            const void *request,
            const char *file,
            rc_download_write write,
            void *context);

#endif
