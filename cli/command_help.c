/* command_help.c: `lockhound help`: from the tables of commands, options and findings. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "report/catalogue.h"

static int show(struct buffer *text)
{
    bool was_written = output_show(text);
    buffer_free(text);
    return was_written ? EXIT_OK : EXIT_FAILED;
}

int command_print_help(const struct command *command)
{
    struct buffer text = {0};
    buffer_printf(&text, "usage: lockhound %s\n\n%s\n", command->usage, command->summary);
    struct buffer options = {0};
    options_help(&options, command->scope);
    if (options.length != 0) {
        buffer_string(&text, "\noptions (--key=value or --key value):\n");
        buffer_add(&text, options.data, options.length);
    }
    buffer_free(&options);
    return show(&text);
}

static int print_kinds(void)
{
    struct buffer text = {0};
    for (size_t i = 0; i < catalogue_count; i++)
        buffer_printf(&text, "%-30s %-8s %s\n", catalogue[i].slug, catalogue[i].severity, catalogue[i].title);
    return show(&text);
}

static int print_overview(void)
{
    struct buffer text = {0};
    buffer_string(
        &text,
        "lockhound finds data races, deadlocks and misuse of locks in programs that already exist as binaries.\n\n"
        "usage: lockhound [options] [--] program [arguments...]\n"
        "       lockhound COMMAND ...\n\ncommands:\n");
    for (size_t i = 0; i < command_count; i++)
        if (!command_table[i].is_hidden)
            buffer_printf(&text, "  %-10s %s\n", command_table[i].name, command_table[i].summary);
    buffer_string(&text, "\noptions of run (--key=value or --key value):\n");
    options_help(&text, FOR_RUN);
    buffer_string(&text,
                  "  --version               print the version\n"
                  "  --list-suppressions     print the compiled-in suppression rules\n"
                  "\nexit status: the program's own; 66 (--error-exitcode) when an error was found; 2 wrong usage;\n"
                  "125 lockhound failed or cannot check this program; 126 not executable; 127 not found.\n");
    return show(&text);
}

int command_help_main(int argc, char **argv)
{
    if (argc < 2 || strncmp(argv[1], "-", 1) == 0)
        return print_overview();
    if (argc > 2) {
        fprintf(stderr, "lockhound: help explains one command, and '%s' is one word too many\n", argv[2]);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "kinds") == 0)
        return print_kinds();
    const struct command *command = command_find(argv[1]);
    if (!command) {
        fprintf(stderr, "lockhound: no command '%s' (lockhound --help lists them)\n", argv[1]);
        return EXIT_USAGE;
    }
    return command_print_help(command);
}
