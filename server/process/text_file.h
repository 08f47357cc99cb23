/* Small text files (certificates, keys), read whole. */
#ifndef RC_SERVER_PROCESS_TEXT_FILE_H
#define RC_SERVER_PROCESS_TEXT_FILE_H

#include "engine/base/status.h"

/* Reads the file at path, at most 1 MiB, ended by NUL, into a block of rc_alloc. path NULL gives
 * NULL. RC_INVALID  names the setting: the file cannot be read. */
RC_MUST_USE enum rc_status
rc_text_file_read(const char *setting,
                  const char *path,
                  char **ret_text,
                  struct rc_error *reterr_error);

#endif
