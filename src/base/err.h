/* err.h: filling an rn_err. Codes and texts are in ration.h. */
#ifndef RN_BASE_ERR_H
#define RN_BASE_ERR_H

#include "ration.h"

#include <stdarg.h>

#define RN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *err (may be NULL) and returns `code`, so that `return rn_fail(err, RN_EIO, ...)` works.
 * The message says what, where and the likely fix; a longer one is cut at a whole character. */
int rn_fail(rn_err *err, int code, const char *fmt, ...) RN_PRINTF(3, 4);

/* As rn_fail, with the position in the input; -1 where it has no meaning. */
int rn_fail_at(rn_err *err, int code, int64_t line, int64_t offset, const char *fmt, ...)
    RN_PRINTF(5, 6);

/* As rn_fail with ": " and the text of errno at the end. The code follows from errno (ENOENT is
 * RN_ENOTFOUND, EACCES and EROFS RN_EREADONLY, ENOMEM RN_ENOMEM, anything else RN_EIO). */
int rn_fail_errno(rn_err *err, const char *fmt, ...) RN_PRINTF(2, 3);

/* RN_ENOMEM for `what`, a noun or a path; NULL: just that. */
int rn_nomem(rn_err *err, const char *what);

/* Puts "prefix: " before the message of an error that a callee filled; returns its code. */
int rn_err_prefix(rn_err *err, const char *fmt, ...) RN_PRINTF(2, 3);

#endif
