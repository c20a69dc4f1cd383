/*
 * fuzz_parquet.c: a Parquet file from arbitrary bytes, by itself or as footer and column behind a good
 * beginning. Rows come out as JSON or the file is refused with a message, in little memory.
 * modules: base
 */
#include "base/json.h"
#include "base/parquet.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ROWS = 2000, MAX_ROW = 1 << 16 };

static void read_rows(int fd)
{
    rn_err err = {0};
    rn_parquet *p = NULL;
    int rc = rn_parquet_open(fd, "fuzz.parquet", &p, &err);
    rn_buf row = {0};
    for (int i = 0; !rc && i < MAX_ROWS; i++) {
        rn_buf_clear(&row);
        const int got = rn_parquet_row(p, &row, &err);
        if (got <= 0) {
            rc = got;
            break;
        }
        json_t *v = NULL;
        rn_err why = {0};
        /* Names may be there twice, which JSON here refuses; nothing else may be wrong. */
        if (row.len < MAX_ROW &&
            rn_json_parse(rn_buf_view(&row), (rn_json_at){"row", 1}, &v, &why) &&
            !strstr(why.msg, "duplicate") && !strstr(why.msg, "depth") &&
            !strstr(why.msg, "overflow") && !strstr(why.msg, "too big"))
            abort();
        if (v) json_decref(v);
    }
    if (rc && !err.msg[0]) abort();
    rn_buf_free(&row);
    rn_parquet_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) return 0;
    if (write(fd, data, size) == (ssize_t)size) read_rows(fd);
    close(fd);
    return 0;
}
