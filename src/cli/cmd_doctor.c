/* cmd_doctor.c: `ration doctor`: options and text of rn_doctor (ration.h). */
#include "cli/commands.h"

static const char intro[] =
    "Prints which sandbox layers, limits, Python, data sets and CPU features this machine offers,\n"
    "what is missing and how to get it. Ends with status 1 when programs cannot be judged safely.";

int rn_cmd_doctor(int argc, char **argv)
{
    rn_doctor_options o = {0};
    const rn_opt table[] = {
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets are"),
        RN_OPT_STR(0, "venv", &o.venv, "DIR", "a virtual environment for programs"),
        RN_OPT_STR(0, "format", &o.format, "FORM", "table, csv or json"), RN_OPT_END};
    const rn_command *cmd = rn_command_find("doctor");
    int first, format, unsafe = 0, status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if ((status = rn_opt_format(cmd, o.format, &format)) >= 0) return status;
    rn_err err = {0};
    char *text = NULL;
    if (rn_doctor(&o, &text, &unsafe, &err)) return rn_opt_failure(cmd, &err);
    fputs(text, stdout);
    free(text);
    return unsafe ? RN_EXIT_MISSING : RN_EXIT_DONE;
}
