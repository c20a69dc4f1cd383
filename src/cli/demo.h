/* demo.h: the parts of `ration demo`. */
#ifndef RN_CLI_DEMO_H
#define RN_CLI_DEMO_H

#include "cli/opt.h"

/* `ration demo --published`: prints the comparison; returns an exit status. */
int rn_demo_published(const rn_command *cmd);

#endif
