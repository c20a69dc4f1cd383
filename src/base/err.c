/*
 * err.c: error codes, their names, and how an rn_err is filled.
 *
 * Every message is cut at a whole UTF-8 character and never contains a control character, so that
 * hostile input that is quoted in a message can neither break a terminal nor a log.
 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *rn_version(void)
{
    return RN_VERSION;
}

const char *rn_err_name(int code)
{
    switch (code) {
    case RN_OK: return "OK";
#define X(name, value, text) \
    case value: return #name;
        RN_ERRORS(X)
#undef X
    default: return "E?";
    }
}

const char *rn_err_text(int code)
{
    switch (code) {
    case RN_OK: return "success";
#define X(name, value, text) \
    case value: return text;
        RN_ERRORS(X)
#undef X
    default: return "unknown error";
    }
}

const char *rn_verdict_name(rn_verdict v)
{
    switch (v) {
#define X(name, text, family) \
    case RN_V_##name: return text;
        RN_VERDICTS(X)
#undef X
    case RN_N_VERDICTS: break;
    }
    return NULL;
}

char rn_verdict_family(rn_verdict v)
{
    switch (v) {
#define X(name, text, family) \
    case RN_V_##name: return family;
        RN_VERDICTS(X)
#undef X
    case RN_N_VERDICTS: break;
    }
    return 0;
}

/* Drops a cut multi-byte character at the end and blanks control characters. */
static void tidy(char *s, size_t size)
{
    size_t len = strlen(s);
    if (len == size - 1) {
        size_t start = len;
        while (start > 0 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
            start--;
        if (start > 0) {
            unsigned char lead = (unsigned char)s[start - 1];
            size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
            if (len - (start - 1) < want) s[start - 1] = '\0';
        }
    }
    for (char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) *p = ' ';
}

static void fill(rn_err *err, int code, int64_t line, int64_t offset, const char *fmt, va_list ap)
{
    err->code = code;
    err->line = line;
    err->offset = offset;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    tidy(err->msg, sizeof err->msg);
}

int rn_fail(rn_err *err, int code, const char *fmt, ...)
{
    if (!err) return code;
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, -1, -1, fmt, ap);
    va_end(ap);
    return code;
}

int rn_fail_at(rn_err *err, int code, int64_t line, int64_t offset, const char *fmt, ...)
{
    if (!err) return code;
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, line, offset, fmt, ap);
    va_end(ap);
    return code;
}

static int code_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR: return RN_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS: return RN_EREADONLY;
    case ENOMEM: return RN_ENOMEM;
    case EEXIST: return RN_EEXIST;
    default: return RN_EIO;
    }
}

int rn_nomem(rn_err *err, const char *what)
{
    return rn_fail(err, RN_ENOMEM, "%s%sout of memory", what ? what : "", what ? ": " : "");
}

int rn_fail_errno(rn_err *err, const char *fmt, ...)
{
    int e = errno;
    int code = code_of_errno(e);
    if (!err) return code;
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, -1, -1, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->msg);
    snprintf(err->msg + n, sizeof err->msg - n, ": %s", strerror(e));
    tidy(err->msg, sizeof err->msg);
    return code;
}

int rn_err_prefix(rn_err *err, const char *fmt, ...)
{
    if (!err) return RN_EINTERNAL;
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->msg);
    snprintf(err->msg + n, sizeof err->msg - n, ": %.*s", (int)(sizeof old - 1), old);
    tidy(err->msg, sizeof err->msg);
    return err->code;
}
