/* hash.h: SHA-256 (nettle) for file and prompt identity. */
#ifndef RN_BASE_HASH_H
#define RN_BASE_HASH_H

#include "base/base.h"

enum { RN_SHA256_BYTES = 32, RN_SHA256_HEX = 65, RN_SHA256_BASE64 = 45 };

typedef struct rn_sha256 rn_sha256;
rn_sha256 *rn_sha256_new(void); /* NULL when memory is out; rn_sha256_free */
void rn_sha256_free(rn_sha256 *h);
void rn_sha256_add(rn_sha256 *h, const void *data, size_t len);
/* Finishes, and starts anew. */
void rn_sha256_done(rn_sha256 *h, uint8_t out[RN_SHA256_BYTES]);

void rn_sha256_of(rn_bytes data, uint8_t out[RN_SHA256_BYTES]);
void rn_sha256_hex(const uint8_t digest[RN_SHA256_BYTES], char out[RN_SHA256_HEX]);
void rn_sha256_hex_of(rn_bytes data, char out[RN_SHA256_HEX]);
/* As in a Content-Security-Policy: base64 with padding. */
void rn_sha256_base64(const uint8_t digest[RN_SHA256_BYTES], char out[RN_SHA256_BASE64]);
/* Of the bytes of the file as they lie on disk (compressed ones are not unpacked). */
int rn_sha256_file(const char *path, char out[RN_SHA256_HEX], rn_err *err);

#endif
