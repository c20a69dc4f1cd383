/* stage.h: what every stage shares: when to stop. */
#ifndef RN_RUN_STAGE_H
#define RN_RUN_STAGE_H

/* Set by the command's signal handler: finish the current item and stop. */
extern volatile int rn_interrupted;

/* `given`, else $RATION_DATA, else $XDG_DATA_HOME/ration, else ~/.local/share/ration: where problem
 * sets lie. In a static buffer. */
const char *rn_data_dir(const char *given);

#endif
