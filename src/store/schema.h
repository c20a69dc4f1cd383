/*
 * schema.h: the SQL schema of an experiment file and how older files are brought up to date.
 *
 * A file is ours when its application_id is RN_STORE_APPLICATION_ID; user_version counts the
 * migrations that it has seen. Migration i (0-based) turns version i into version i + 1; all that
 * are needed run in one transaction, so that a killed migration leaves the old version.
 */
#ifndef RN_STORE_SCHEMA_H
#define RN_STORE_SCHEMA_H

#include "base/base.h"

#include <sqlite3.h>

enum { RN_STORE_APPLICATION_ID = 0x52544E53 }; /* "RTNS" */

/* Statements that lead from one version to the next. */
typedef struct rn_migration {
    const char *const *sql; /* statements, NULL-terminated */
} rn_migration;

extern const rn_migration rn_store_migrations[];
extern const int rn_store_version; /* number of migrations: the version this library writes */

/* What an opened database is. */
typedef enum rn_schema_state {
    RN_SCHEMA_EMPTY,   /* no table at all: a new file */
    RN_SCHEMA_FOREIGN, /* an SQLite database of another program */
    RN_SCHEMA_OURS,
} rn_schema_state;

/* *version is user_version. Returns 0 or the SQLite result code. */
int rn_schema_look(sqlite3 *db, rn_schema_state *state, int *version);

/* Compares every table, index, view and trigger of a file of `version` with those that its
 * migrations make: a store is data, and what a stranger adds to its schema runs when it is read. 0,
 * SQLite's code, or RN_EFORMAT with what is odd in *why, e.g. "the trigger 't' is not ration's". */
int rn_schema_compare(sqlite3 *db, int version, rn_buf *why);

/* Shows a file of `version` (1 to rn_store_version - 1) as the newest, without writing to it: what
 * a migration changes is seen through the temporary schema. Rows that the next writer will make one
 * stay two here. Returns 0 or SQLite's code. */
int rn_schema_view(sqlite3 *db, int version);

/* Applies table[version .. n-1] in one transaction and records the new version. Returns 0 or the
 * SQLite result code, with nothing changed. */
int rn_schema_migrate(sqlite3 *db, const rn_migration *table, int n);

#endif
