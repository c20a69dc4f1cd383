/* term.c: text of strangers made visible, and the streams that do so; see term.h. */
#include "base/term.h"

#include <sys/types.h>
#include <unistd.h>

typedef struct guard {
    int fd;
    bool raw;
    char part[4]; /* the start of a character whose rest comes with the next write */
    size_t n_part;
} guard;

static guard guards[2] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

/* The character's number; `n` is its length in UTF-8. */
static uint32_t decode(const char *s, size_t n)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    return c;
}

/* Control characters and marks that change how what follows is read (Unicode's bidirectional
 * algorithm, UAX 9), separators that end a line for some terminals, and invisible tags. */
static bool obeyed(uint32_t c)
{
    if (c < 0x20) return c != '\n' && c != '\t';
    return (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/* As JSON would, so that JSON stays what it is: there C0 and bytes that are no character are gone.
 */
static void put_escaped(rn_buf *out, uint32_t c, bool character)
{
    if (c < 0x20 || !character)
        rn_buf_printf(out, "\\x%02x", (unsigned)c);
    else if (c < 0x10000)
        rn_buf_printf(out, "\\u%04x", (unsigned)c);
    else
        rn_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                      (unsigned)(0xdc00 + (c & 0x3ff)));
}

void rn_term_visible(rn_buf *out, rn_bytes text)
{
    size_t shown = 0; /* what is plain goes out in one piece */
    for (size_t i = 0; i < text.len;) {
        size_t n = rn_utf8_len(text.data + i, text.len - i);
        uint32_t c = n ? decode(text.data + i, n) : (unsigned char)text.data[i];
        if (n && !obeyed(c)) {
            i += n;
            continue;
        }
        rn_buf_add(out, text.data + shown, i - shown);
        put_escaped(out, c, n > 0);
        i += n ? n : 1;
        shown = i;
    }
    rn_buf_add(out, text.data + shown, text.len - shown);
}

/* How many bytes at the end may be the start of a character. */
static size_t unfinished(rn_bytes text)
{
    for (size_t n = 1; n <= 3 && n <= text.len; n++) {
        unsigned char c = (unsigned char)text.data[text.len - n];
        if (c < 0x80) return 0;
        if (c >= 0xc0) return rn_utf8_len(text.data + text.len - n, n) ? 0 : n;
    }
    return 0;
}

static bool write_all(int fd, rn_bytes b)
{
    while (b.len) {
        ssize_t n = write(fd, b.data, b.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        b.data += n;
        b.len -= (size_t)n;
    }
    return true;
}

static ssize_t write_guarded(void *cookie, const char *data, size_t len)
{
    guard *g = cookie;
    if (g->raw && !g->n_part) return write_all(g->fd, (rn_bytes){data, len}) ? (ssize_t)len : 0;
    rn_buf in = {0}, out = {0};
    rn_buf_add(&in, g->part, g->n_part);
    rn_buf_add(&in, data, len);
    rn_bytes text = rn_buf_view(&in);
    size_t rest = unfinished(text);
    if (rest == text.len && text.len > len) rest = 0; /* nothing of it will ever be a character */
    text.len -= rest;
    rn_term_visible(&out, text);
    bool ok = rn_buf_ok(&in) && rn_buf_ok(&out) && write_all(g->fd, rn_buf_view(&out));
    g->n_part = ok ? rest : 0;
    if (g->n_part) memcpy(g->part, in.data + text.len, g->n_part);
    rn_buf_free(&in);
    rn_buf_free(&out);
    return ok ? (ssize_t)len : 0;
}

/* The last bytes of a stream that ends in the middle of a character. */
static int close_guarded(void *cookie)
{
    guard *g = cookie;
    rn_buf out = {0};
    rn_term_visible(&out, (rn_bytes){g->part, g->n_part});
    g->n_part = 0;
    bool ok = rn_buf_ok(&out) && write_all(g->fd, rn_buf_view(&out));
    rn_buf_free(&out);
    return ok ? 0 : EOF;
}

void rn_term_guard(void)
{
    const cookie_io_functions_t io = {.write = write_guarded, .close = close_guarded};
    FILE *out = fopencookie(&guards[0], "w", io), *err = fopencookie(&guards[1], "w", io);
    if (out) {
        setvbuf(out, NULL, isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF, BUFSIZ);
        stdout = out;
    }
    if (err) {
        setvbuf(err, NULL, _IONBF, 0);
        stderr = err;
    }
}

void rn_term_data(void)
{
    if (isatty(STDOUT_FILENO) == 1) return;
    fflush(stdout);
    guards[0].raw = true;
}

void rn_term_clear_line(void)
{
    static const char sequence[] = "\r\033[K";
    fflush(stderr);
    write_all(STDERR_FILENO, (rn_bytes){sequence, sizeof sequence - 1});
}
