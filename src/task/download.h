/*
 * download.h: one file over HTTP into a partial file that a later call continues.
 *
 * Beside PART lies PART.meta with the address, the server's validator (a strong ETag, else
 * Last-Modified) and the total size: bytes are only appended when the server confirms with 206 that
 * they belong to the same content; any other answer starts anew.
 */
#ifndef RN_TASK_DOWNLOAD_H
#define RN_TASK_DOWNLOAD_H

#include "base/base.h"

typedef struct rn_download {
    const char *url;    /* http or https */
    const char *part;   /* path of the partial file; its folder exists */
    int64_t max_bytes;  /* RN_ELIMIT beyond */
    int retries;        /* after connection losses and 5xx; each continues where it stopped */
    int64_t stall_s;    /* a connection without data for so long is lost; 0: 60 */
    int64_t backoff_ms; /* before the first retry, doubled each time; 0: 500 */
    /* Called some times a second; total -1 when unknown; nonzero stops with RN_ECANCELLED. NULL. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} rn_download;

/* 0 when PART holds the whole file (synced); *resumed tells whether earlier bytes were used. On
 * failure what came is kept for the next call: RN_ENET (connection, 5xx; says how many bytes are
 * kept), RN_ENOTFOUND (404, 410), RN_EBUSY (another process downloads it), RN_EIO and RN_EREADONLY
 * (the disk), RN_ELIMIT, RN_ECANCELLED, RN_EINVAL (the address). */
int rn_download_run(const rn_download *d, bool *resumed, rn_err *err);

/* Removes PART and PART.meta. */
void rn_download_forget(const char *part);

#endif
