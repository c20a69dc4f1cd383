/* hash.c: SHA-256 through nettle. */
#include "base/hash.h"

#include <fcntl.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <unistd.h>

struct rn_sha256 {
    struct sha256_ctx ctx;
};

rn_sha256 *rn_sha256_new(void)
{
    rn_sha256 *h = malloc(sizeof *h);
    if (h) sha256_init(&h->ctx);
    return h;
}

void rn_sha256_free(rn_sha256 *h)
{
    free(h);
}

void rn_sha256_add(rn_sha256 *h, const void *data, size_t len)
{
    if (len) sha256_update(&h->ctx, len, data);
}

void rn_sha256_done(rn_sha256 *h, uint8_t out[RN_SHA256_BYTES])
{
    sha256_digest(&h->ctx, RN_SHA256_BYTES, out); /* nettle resets the context */
}

void rn_sha256_of(rn_bytes data, uint8_t out[RN_SHA256_BYTES])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    if (data.len) sha256_update(&ctx, data.len, (const uint8_t *)data.data);
    sha256_digest(&ctx, RN_SHA256_BYTES, out);
}

void rn_sha256_hex(const uint8_t digest[RN_SHA256_BYTES], char out[RN_SHA256_HEX])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < RN_SHA256_BYTES; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[RN_SHA256_HEX - 1] = '\0';
}

void rn_sha256_hex_of(rn_bytes data, char out[RN_SHA256_HEX])
{
    uint8_t digest[RN_SHA256_BYTES];
    rn_sha256_of(data, digest);
    rn_sha256_hex(digest, out);
}

void rn_sha256_base64(const uint8_t digest[RN_SHA256_BYTES], char out[RN_SHA256_BASE64])
{
    base64_encode_raw(out, RN_SHA256_BYTES, digest);
    out[RN_SHA256_BASE64 - 1] = '\0';
}

int rn_sha256_file(const char *path, char out[RN_SHA256_HEX], rn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rn_fail_errno(err, "cannot open %s", path);
    enum { CHUNK = 64 * 1024 };
    char *buf = malloc(CHUNK);
    if (!buf) {
        close(fd);
        return rn_nomem(err, path);
    }
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, buf, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = rn_fail_errno(err, "cannot read %s", path);
        if (n <= 0) break;
        sha256_update(&ctx, (size_t)n, (const uint8_t *)buf);
    }
    free(buf);
    close(fd);
    if (rc) return rc;
    uint8_t digest[RN_SHA256_BYTES];
    sha256_digest(&ctx, sizeof digest, digest);
    rn_sha256_hex(digest, out);
    return 0;
}
