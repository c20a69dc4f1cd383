/*
 * base.h: what every file of src may use without a line of its own: the C library, errors, byte
 * strings, growing arrays, arenas. Whoever uses more of base says so.
 */
#ifndef RN_BASE_BASE_H
#define RN_BASE_BASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#endif
