/* stage.h: what every stage shares: when to stop. */
#ifndef RN_RUN_STAGE_H
#define RN_RUN_STAGE_H

/* Values of an option that may be given several times; borrowed from argv. */
typedef struct rn_opt_list {
    const char *v[64];
    int n;
} rn_opt_list;

/* Set by the command's signal handler: finish the current item and stop. */
extern volatile int rn_interrupted;

/* `given`, else $RATION_DATA, else $XDG_DATA_HOME/ration, else ~/.local/share/ration: where problem
 * sets lie. In a static buffer. */
const char *rn_data_dir(const char *given);

#endif
