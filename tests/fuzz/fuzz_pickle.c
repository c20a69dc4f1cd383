/*
 * fuzz_pickle.c: a Python pickle of LiveCodeBench's private tests. It is read as data or refused
 * with what it asks for: whatever the bytes, nothing of them is run, a result that is no text is
 * JSON (or not UTF-8), and what a message says has no control characters.
 * modules: base task
 */
#include "task/jsonraw.h"
#include "task/pickle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rn_err err = {0};
    rn_buf out = {0};
    bool is_text = false;
    int rc = rn_pickle_data((rn_bytes){(const char *)data, size}, &out, &is_text, &err);
    if (rc && !err.msg[0]) abort();
    for (const char *p = err.msg; rc && *p; p++)
        if ((unsigned char)*p < 0x20) abort();
    size_t bad = 0;
    if (!rc && rn_buf_ok(&out) && !is_text && rn_utf8_valid(rn_buf_view(&out), &bad)) {
        size_t pos = 0;
        rn_bytes value;
        rc = rn_jsonraw_value(rn_buf_view(&out), &pos, &value, &err);
        /* nan and inf are numbers of a pickle and none of JSON */
        if ((rc || pos != out.len) && !strstr(out.data, "nan") && !strstr(out.data, "inf")) abort();
    }
    rn_buf_free(&out);
    return 0;
}
