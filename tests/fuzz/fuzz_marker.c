/*
 * fuzz_marker.c: a file with a marker and a model's answer for its place. Whatever they are, the
 * replacement lies within the answer's text or is its fenced block, and the file around the marker
 * is kept byte for byte.
 * modules: base task
 *
 * Input: one byte (bit 0: an instruct model's answer), the file up to the first NUL, the answer.
 */
#include "task/marker.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const char *text = (const char *)data + 1;
    const char *nul = memchr(text, '\0', size - 1);
    size_t len = nul ? (size_t)(nul - text) : size - 1;
    rn_bytes file = {.data = text, .len = len};
    rn_bytes raw = {.data = text + len + (nul != NULL), .len = size - 1 - len - (nul != NULL)};
    rn_marker m;
    if (rn_marker_find(file, "f", "@", &m, NULL)) return 0;
    check(m.from <= m.to && m.to <= len);
    rn_buf code = {0}, whole = {0}, asked = {0};
    bool found = false;
    rn_marker_extract(&m, data[0] & 1, raw, &code, &found);
    rn_marker_apply(&m, rn_buf_view(&code), &whole);
    check(whole.len == len - (m.to - m.from) + code.len);
    check(m.from == 0 || memcmp(whole.data, text, m.from) == 0);
    check(m.to == len ||
          memcmp(whole.data + whole.len - (len - m.to), text + m.to, len - m.to) == 0);
    rn_marker_prompt(&m, 64, &asked);
    check(asked.len <= 64);
    rn_marker_message(&m, "f", 64, &asked);
    rn_buf_free(&code);
    rn_buf_free(&whole);
    rn_buf_free(&asked);
    return 0;
}
