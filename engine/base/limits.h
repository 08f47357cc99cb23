/*
 * Limits: every bound of the engine, with where it comes from. A test reaches each and passes each.
 */
#ifndef RC_BASE_LIMITS_H
#define RC_BASE_LIMITS_H

#include <stdint.h>

/* A row of a slab is a 32-bit number; half the range leaves room to step past the end. */
#define RC_SLAB_ROWS_MAX ((uint32_t)1 << 31)

/* Bitmaps are handled in blocks of this many rows: the container size of Roaring. */
#define RC_BLOCK_ROWS ((uint32_t)65536)
#define RC_BLOCK_WORDS (RC_BLOCK_ROWS / 64)

/* A head's rows: what a query may have to look at without an index (about 0.1 ms a leaf). */
#define RC_HEAD_ROWS_MAX ((uint32_t)65536)

/* Event times: years 1 to 9999 hold every calendar date that a reply can print. */
#define RC_TIME_MS_MIN ((int64_t)-62135596800000)
#define RC_TIME_MS_MAX ((int64_t)253402300799999)

#define RC_DAY_MS ((int64_t)86400 * 1000)

/* A time window: 28 days of ms fit the 32-bit offsets of a slab (49.7 days). Four whole weeks, each
 * of which can be divided into days (store/slab/window.h). */
#define RC_WINDOW_DAYS_MAX 28u
#define RC_WINDOW_DAYS_MIDDLE 7u
#define RC_WINDOW_DAYS_MIN 1u
#define RC_WINDOW_MS (RC_WINDOW_DAYS_MAX * RC_DAY_MS)
#define RC_WINDOW_PARTS_MAX (RC_WINDOW_DAYS_MAX / RC_WINDOW_DAYS_MIN)

/* Rows that a window holds before it is divided into shorter ones. What reads every user's events
 * of all time pays for each window in which the user has some, however many rows there are: for
 * weeks a few per cent, for days half as much again. So weeks begin where a query of a week has
 * something to leave out, days where a slab of a week would be as large as 5 GB. */
#define RC_WINDOW_ROWS_MAX ((uint64_t)16 << 20)
#define RC_WINDOW_WEEK_ROWS_MAX ((uint64_t)128 << 20)

/* How far ahead of the server's clock a time may lie unless the project says otherwise: any zone's
 * wall time taken for UTC (14 hours) and a clock that is hours off pass, a year typed wrong does
 * not. */
#define RC_FUTURE_MS_DEFAULT ((uint64_t)86400 * 1000)

/* Retention by age, in days: 100 years. */
#define RC_RETENTION_DAYS_MAX 36525u

/* A batch: what one message of ingestion may hold. 16 MiB is the largest message taken. */
#define RC_BATCH_ROWS_MAX ((uint32_t)1 << 17)
#define RC_BATCH_BYTES_MAX ((uint64_t)16 << 20)

/* Sizes of what users send. */
#define RC_PROJECT_ID_BYTES_MAX 64u
#define RC_NAME_BYTES_MAX 128u /* Definitions, segments. */
#define RC_USER_ID_BYTES_MAX 512u
#define RC_EVENT_ID_BYTES_MAX 256u
#define RC_PROPERTY_NAME_BYTES_MAX 256u
#define RC_VALUE_BYTES_MAX (64u * 1024) /* A string, or a list with its elements' lengths. */
#define RC_LIST_ITEMS_MAX 1024u
#define RC_DESCRIPTION_BYTES_MAX 4096u

/* What the dictionary of one event property holds: values beyond are texts of heads and slabs. So
 * many that codes of 2 bytes do for it in a slab, and that it stays in a processor's cache. */
#define RC_DICTIONARY_ENTRIES_MAX ((uint32_t)65536)
#define RC_DICTIONARY_BYTES_MAX ((uint64_t)8 << 20) /* Of keys: 128 bytes each. */

/* Codes that such a dictionary gives out over time, when it drops entries and takes new ones: a
 * thousand times all of them. What is known by code (8 MiB of bits) stays small. */
#define RC_DICTIONARY_CODES_MAX ((uint32_t)1 << 26)

/* Property names of one project, events and users apart: a column table is an array of them. */
#define RC_PROPERTIES_MAX 8192u

/* A predicate: nodes and depth bound the recursion and the planner; 64 is protobuf's
 * usual depth. */
#define RC_PREDICATE_DEPTH_MAX 32u
#define RC_PREDICATE_NODES_MAX 4096u
#define RC_PREDICATE_VALUES_MAX 10000u
#define RC_PATTERN_BYTES_MAX 1024u

/* Regular expressions: instructions of one, which is what a character of a text may cost when
 * states cannot be kept (25 ns each), and of all in a request, which are compiled where it is
 * checked: one takes up to 3 ms, all together up to 0.1 s. */
#define RC_PATTERN_STEPS_MAX 4000u
#define RC_PATTERN_STEPS_TOTAL_MAX 100000u

/* A CSS selector: compounds are the bits of a word; its tests (#id, .class, [name]) four words. */
#define RC_CSS_COMPOUNDS_MAX 64u
#define RC_CSS_TESTS_MAX 256u

/* A derived property: its steps, those of derived properties below it included, and the entries of
 * a map, which are tried one by one for each distinct value. */
#define RC_DERIVE_STEPS_MAX 16u
#define RC_DERIVE_PAIRS_MAX 256u

/* The properties that a formula computes with, and the formulas that lead to one property, since an
 * operand may be derived by another formula: together at most 64 columns are read for a row. Of the
 * ways from there to one property each has RC_DERIVE_STEPS_MAX at most, and all together these. */
#define RC_DERIVE_OPERANDS_MAX 8u
#define RC_DERIVE_FORMULAS_MAX 8u
#define RC_DERIVE_STEPS_TOTAL_MAX 64u

/* A funnel's steps and a query's selectors: one bit each in the mask of a hit. */
#define RC_FUNNEL_STEPS_MAX 64u
#define RC_SELECTORS_MAX 64u

/* States of the search for the chain of one entry of an unordered funnel with exclusions that begin
 * behind its first step. Up to 11 steps it is not reached: there are 2^11 sets of steps, times the
 * 17 times until which 16 exclusions let a chain go on. With chains of 62 events they take 18 MB,
 * twice at most. */
#define RC_FUNNEL_STATES_MAX 65536u

/* Replies: buckets of a series, rows of a breakdown, cohorts and periods of a retention. */
#define RC_BUCKETS_MAX 20000u
#define RC_BUCKET_UNITS_MAX 10000u /* Of one bucket: 27 years of days. */
#define RC_BREAKDOWN_ROWS_MAX 10000u
#define RC_BREAKDOWN_PROPERTIES_MAX 3u
#define RC_COHORTS_MAX 4000u
#define RC_RETENTION_BRACKETS_MAX 1000u
#define RC_SERIES_MAX 32u
#define RC_FORMULAS_MAX 32u
#define RC_FORMULA_BYTES_MAX 1024u /* Each makes at most one step. */
#define RC_FORMULA_DEPTH_MAX 64u
#define RC_BINS_MAX 1000u
#define RC_ROLLING_DAYS_MAX 1000u
#define RC_BREAKDOWN_SEGMENTS_MAX 64u /* One bit each in the mask of a user. */
#define RC_SEGMENT_DEPTH_MAX 16u
#define RC_CELLS_DEEP_MAX \
    3u /* Cells in the questions of cells: each asks a question on the stack. */
#define RC_CELL_BYTES_MAX (80u * 1024) /* Stored: a request of 48 KiB in base64, and a place. */
#define RC_CELL_NAMES_MAX 4096u        /* As many as a predicate has nodes. */
#define RC_SEGMENT_USERS_MAX 100000u   /* Of a static list. */
#define RC_OVERLAP_SEGMENTS_MAX 5u     /* 31 intersections. */
#define RC_PAGE_ROWS_MAX 10000u
#define RC_LABELS_MAX 32u /* Of a definition; 255 fit its stored form. */
#define RC_LABEL_KEY_BYTES_MAX 63u
#define RC_LABEL_VALUE_BYTES_MAX 256u
#define RC_SAMPLE_EVENTS_MAX 100u /* Every lane keeps so many in order. */
/* What one event may mean: seven things about an element at three places, two without one at six,
 * or eighteen about its properties; a bit each in the mask of a hit. */
#define RC_SUGGESTIONS_MAX 32u
#define RC_SUGGEST_TEXT_BYTES_MAX 256u  /* Longer ones say little about other events. */
#define RC_SUGGEST_LABEL_BYTES_MAX 256u /* That of a display name. */

/* The longest pause inside a session: a year. */
#define RC_SESSION_GAP_MS_MAX ((int64_t)366 * 86400 * 1000)

/* Paths: a query's selectors less the one for any event and the excluded; two levels of this many
 * nodes have 10,000 edges, and a lane of 20 levels takes 4 MB, and as much for each
 * row of a breakdown. */
#define RC_PATH_SELECTORS_MAX 62u
#define RC_PATH_DEPTH_MAX 20u
#define RC_PATH_TOP_MAX 100u
#define RC_PATH_ROWS_MAX 100u

/* Definitions, segments, derived properties of one project, each: 0.2 GB of usual ones. What looks
 * at all of them (a list that is searched, a check) takes 0.1 s then; nothing else does. */
#define RC_DEFINITIONS_MAX 1000000u

/* Of them made in one change, and what their regular expressions are together: they are compiled
 * where they are checked, which takes a second then. */
#define RC_ENTRIES_CREATED_MAX 1000u
#define RC_PATTERN_STEPS_CREATED_MAX 1000000u

/* Changes of them that share a record of the log, and their bytes, but for one alone: as many as
 * callers can wait, and what the log's thread applies itself. */
#define RC_CHANGES_LOGGED_MAX 256u
#define RC_CHANGES_LOGGED_BYTES_MAX 16384u

/* Versions that are kept of one of them, itself included, and the texts of the older ones: 40 kB
 * each, where a usual one has 0.5. Those of all of a kind take what 64 Ki usual ones do. */
#define RC_ENTRY_VERSIONS_MAX 100u
#define RC_ENTRY_OLDER_BYTES_MAX ((uint64_t)4 << 20)
#define RC_CATALOG_OLDER_BYTES_MAX ((uint64_t)32 << 20)
#define RC_AUTHOR_BYTES_MAX 256u

/* Changes that are remembered by their request id: in a project, and of projects in the process. A
 * retry comes within seconds or minutes, and people change some ten things a minute. The newest is
 * kept however large it is. */
#define RC_RECEIPTS_MAX 1000u
#define RC_RECEIPTS_BYTES_MAX ((uint64_t)16 << 20)
#define RC_REQUEST_ID_BYTES_MAX 128u

#endif
