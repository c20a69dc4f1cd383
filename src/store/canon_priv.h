/*
 * canon_priv.h: the JSON that names a run, a ranker or a protocol, apart from its provenance.
 *
 * Identity is what a result depends on: two rows are the same when their identities are equal as
 * canonical text. Provenance is where it came from: which ration wrote it, from which file or
 * server. It stands in a column beside, never decides whether something is there already, and is
 * shown with the identity as one object. A key that rows of one identity disagree in holds the
 * sorted array of their values.
 */
#ifndef RN_STORE_CANON_PRIV_H
#define RN_STORE_CANON_PRIV_H

#include "store/store_priv.h"

/* Appends both parts of an object in canonical form. Members of the identity that are null or ""
 * say that something is unknown and are left out: unknown is no difference. */
int rn_identity_split(const char *json, rn_buf *identity, rn_buf *provenance, rn_err *err);
/* Appends the provenance that holds what both say; both are canonical. */
int rn_identity_unite(const char *a, const char *b, rn_buf *out, rn_err *err);
/* What a protocol is a version of. */
typedef struct rn_protocol_family {
    rn_buf text;        /* its identity without the number of the judge and the extractor */
    char extractor[64]; /* its name without version, "" none */
    int64_t judge, extractor_version; /* 1 where they are not given */
} rn_protocol_family;
/* Fills *out, whose buffer is cleared first; rn_buf_free(&out->text). */
int rn_identity_family(const char *protocol, rn_protocol_family *out, rn_err *err);

/* The same for SQL: rn_identity(json), rn_provenance(json), rn_join(identity, provenance),
 * rn_apart(identity, provenance), rn_protocol(json, set name) and the aggregate
 * rn_unite(provenance). Returns 0 or SQLite's code. */
int rn_identity_register(sqlite3 *db);

#endif
