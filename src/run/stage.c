/* stage.c: see stage.h. */
#include "run/stage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

volatile int rn_interrupted;

const char *rn_data_dir(const char *given)
{
    static char dir[PATH_MAX];
    const char *env = getenv("RATION_DATA"), *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (given)
        snprintf(dir, sizeof dir, "%s", given);
    else if (env && *env)
        snprintf(dir, sizeof dir, "%s", env);
    else if (xdg && *xdg)
        snprintf(dir, sizeof dir, "%s/ration", xdg);
    else
        snprintf(dir, sizeof dir, "%s/.local/share/ration", home && *home ? home : ".");
    return dir;
}
