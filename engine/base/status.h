/*
 * Status and error: how a function says that it did not do what was asked.
 *
 * A status is a small must-use enum. A function that can explain itself also takes a caller-owned
 * rc_error (NULL is fine) and writes one English sentence that is fit for a client, and the path of
 * the offending field where there is one. Each status maps to one gRPC code in
 * server/call/status_map.c.
 *
 * Ownership: an rc_error is plain memory of the caller.
 * Threading: no shared state.
 * Errors:    on any status but RC_OK every ret_ output is left as it was.
 */
#ifndef RC_BASE_STATUS_H
#define RC_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>

#define RC_MUST_USE __attribute__((warn_unused_result))
#define RC_PRINTF(at, first) __attribute__((format(printf, at, first)))

enum rc_status {
    RC_OK = 0,
    RC_INVALID,        /* The request is wrong; the error names the field. */
    RC_NOT_FOUND,      /* The thing named does not exist. */
    RC_EXISTS,         /* The thing to be created exists. */
    RC_CONFLICT,       /* An etag does not match, or the thing is in use. */
    RC_UNSUPPORTED,    /* Understood, part of the contract, not built yet. */
    RC_LIMIT_EXCEEDED, /* A stated limit (memory, size, count) would be passed; nothing changed. */
    RC_TOO_SLOW,       /* A pattern would take too long over one of the texts; see pattern.h. */
    RC_NO_MEMORY,      /* The allocator refused; nothing changed. */
    RC_NO_SPACE,       /* The disk is full; nothing was acknowledged. */
    RC_CANCELLED,      /* The caller's cancel flag was seen, or its deadline passed. */
    RC_UNAVAILABLE,    /* Starting, stopping, or failed earlier in a way that needs a restart. */
    RC_CORRUPT,        /* Stored or received bytes break their format. */
    RC_IO,             /* The operating system failed a read, write, sync or rename. */
    RC_STATUS_COUNT
};

#define RC_ERROR_MESSAGE_BYTES 384
/* A leaf at the greatest depth of a predicate inside a rule at the greatest depth of rules has a
 * path of 750 bytes. */
#define RC_ERROR_FIELD_BYTES 800
#define RC_ERROR_NAME_BYTES 132

struct rc_error {
    enum rc_status status;
    char field[RC_ERROR_FIELD_BYTES]; /* "steps[2].predicate.regex"; empty when none is at fault. */
    char message[RC_ERROR_MESSAGE_BYTES]; /* One English sentence, without a final period. */
    const char *missing_noun; /* What is not there but named: "definition", a literal. Else NULL. */
    char missing_name[RC_ERROR_NAME_BYTES];
};

/* Fills *error (NULL is fine) with a formatted sentence and an empty field; returns status. */
enum rc_status
rc_error_set(struct rc_error *error, enum rc_status status, const char *format, ...)
    RC_PRINTF(3, 4);

/* The same, and names the field at fault. */
enum rc_status
rc_error_field(struct rc_error *error,
               enum rc_status status,
               const char *field,
               const char *format,
               ...) RC_PRINTF(4, 5);

/* Says of a filled error (NULL is fine) what is missing: something that others name, by the noun of
 * its kind and its name. */
void
rc_error_missing(struct rc_error *error, const char *noun, const char *name, size_t name_bytes);

/* Puts prefix before the field of a filled error: "steps[2]" + "regex" = "steps[2].regex". */
void
rc_error_prefix(struct rc_error *error, const char *prefix_format, ...) RC_PRINTF(2, 3);

/* Writes "list[place].member" ("list[place]" where member is empty) into field, cut to room bytes
 * with the NUL: without a format, since every element of every request has its name written. */
void
rc_error_item(char *field, size_t room, const char *list, size_t place, const char *member);

/* Writes to in place of from where the field of a filled error begins with it: a part was checked
 * as that of another message. Returns status. */
enum rc_status
rc_error_rename(struct rc_error *error, enum rc_status status, const char *from, const char *to);

/* "not found" for RC_NOT_FOUND and so on. Never NULL. */
const char *
rc_status_name(enum rc_status status);

/* The sentence for a status of a callee that takes no rc_error. Never NULL. */
const char *
rc_status_sentence(enum rc_status status);

/* Returns the status of expr from the calling function unless it is RC_OK. */
#define RC_TRY(expr)                                                                   \
    do {                                                                               \
        const enum rc_status rc_try_ = (expr);                                         \
        _Static_assert(__builtin_types_compatible_p(__typeof__(expr), enum rc_status), \
                       "RC_TRY takes an enum rc_status");                              \
        if (__builtin_expect(rc_try_ != RC_OK, 0))                                     \
            return rc_try_;                                                            \
    } while (0)

/* The same for a callee that takes no rc_error: writes the stock sentence of the status. */
#define RC_TRY_OR(reterr, expr)                                                        \
    do {                                                                               \
        const enum rc_status rc_try_ = (expr);                                         \
        _Static_assert(__builtin_types_compatible_p(__typeof__(expr), enum rc_status), \
                       "RC_TRY_OR takes an enum rc_status");                           \
        if (__builtin_expect(rc_try_ != RC_OK, 0))                                     \
            return rc_error_set((reterr), rc_try_, "%s", rc_status_sentence(rc_try_)); \
    } while (0)

#endif
