/* format_github.h: findings as annotations of GitHub Actions: a line a finding, at its innermost user frame with a source
 * file, shown beside that line of a pull request.
 * Source:    GitHub's "Workflow commands": ::error file=...,line=...,title=...::message */
#ifndef LOCKHOUND_REPORT_FORMAT_GITHUB_H
#define LOCKHOUND_REPORT_FORMAT_GITHUB_H

#include "report/symbols.h"

void format_github(struct buffer *out, const struct run *run, const struct symbols *symbols);

#endif
