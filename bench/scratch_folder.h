/*
 * Scratch folder: where cases keep files, in memory where the system has such a file system
 * (/dev/shm), so that what is timed is the program and not a disk.
 *
 * Ownership: the path is the caller's until scratch_folder_remove. Functions abort when they fail.
 */
#ifndef RC_BENCH_SCRATCH_FOLDER_H
#define RC_BENCH_SCRATCH_FOLDER_H

#define SCRATCH_FOLDER_BYTES 128u

/* Makes an empty folder and writes its path. */
void
scratch_folder_make(char path[SCRATCH_FOLDER_BYTES]);

/* Removes it and what is in it. */
void
scratch_folder_remove(const char *path);

#endif
