/*
 * file.h: whole files, lines of plain or gzip-compressed files and of Parquet, and atomic writes.
 *
 * Files that ship with ration are looked for in the user's data folder, then beside the program: in
 * a source tree `data/` and `models/`, installed `<prefix>/share/ration/`.
 *
 * Input is untrusted: each reader has a limit, says at which line and byte it stopped, and tells a
 * truncated gzip stream from a corrupt one.
 */
#ifndef RN_BASE_FILE_H
#define RN_BASE_FILE_H

#include "base/base.h"

/* The name of a file, made of parts. One that is too long for the system is cut here, and still too
 * long: what it is given to fails. Returns p->s. */
typedef struct rn_path {
    char s[PATH_MAX + 1];
} rn_path;
const char *rn_path_make(rn_path *p, const char *fmt, ...) RN_PRINTF(2, 3);

/* Reads all of `path` (plain, gzip or Parquet, as rn_reader does) into *out, cleared first.
 * RN_ELIMIT if it is larger than max_bytes, RN_ETRUNCATED or RN_EFORMAT for a broken gzip stream.
 */
int rn_file_read(const char *path, size_t max_bytes, rn_buf *out, rn_err *err);

/* Writes `data` so that `path` holds either its old content or all of the new one: a temporary file
 * beside it, fsync, rename. */
int rn_file_write_atomic(const char *path, rn_bytes data, rn_err *err);

bool rn_file_exists(const char *path);
/* "dir/HumanEval.jsonl.gz" -> "HumanEval": what a set in a file is called; part of `path`. */
rn_bytes rn_file_stem(const char *path);
/* Creates `path` and its parents, mode 0777 less umask. */
int rn_dir_make(const char *path, rn_err *err);

/* A stream of bytes or lines from a plain or gzip file, or of a Parquet file's rows as JSON lines,
 * told by the first bytes; "-" is standard input (no Parquet). A byte order mark before UTF-8 is
 * passed over. Arrow, Riegeli and Zstandard files are RN_EUNSUPPORTED, with what makes lines of
 * them. */
typedef struct rn_reader rn_reader;
int rn_reader_open(const char *path, rn_reader **out, rn_err *err); /* rn_reader_close */
void rn_reader_close(rn_reader *r);
/* 1 with up to `cap` bytes in buf and *n > 0; 0 at the end; negative on error. */
int rn_reader_read(rn_reader *r, char *buf, size_t cap, size_t *n, rn_err *err);
/* 1 with the next line in *line, without its "\n" or "\r\n", borrowed until the next call; 0 at the
 * end of input; negative on error (RN_ELIMIT when longer than max_bytes). Do not mix with _read. */
int rn_reader_line(rn_reader *r, size_t max_bytes, rn_bytes *line, rn_err *err);
int64_t rn_reader_line_no(const rn_reader *r);  /* 1-based number of the line last returned */
const char *rn_reader_path(const rn_reader *r); /* borrowed */

/* `given`, else $RATION_DATA, else $XDG_DATA_HOME/ration, else ~/.local/share/ration: where problem
 * sets lie. In a static buffer. */
const char *rn_data_dir(const char *given);

/* Finds `rel` (e.g. "mini/mini.jsonl", "models/NAME.gguf") in data_dir (may be NULL or ""), then in
 * the folders that ship with the program. True with its path in *path when it exists. */
bool rn_data_locate(const char *data_dir, const char *rel, rn_path *path);

/* Where a template lies: `which` itself where it is a path or a file, else folder/which.json as
 * rn_data_locate finds it; false if there is none. */
bool rn_data_template(const char *data_dir, const char *folder, const char *which, rn_path *path);

/* Appends the paths at which rn_data_locate looks, with ", " between them, for messages. */
void rn_data_places(const char *data_dir, const char *rel, rn_buf *out);

/* Copies a file's bytes over `to`, which are on the disk afterwards. */
int rn_file_copy(const char *from, const char *to, rn_err *err);

#endif
