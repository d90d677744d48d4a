/* path.h: paths of files, as text. */
#ifndef LOCKHOUND_REPORT_PATH_H
#define LOCKHOUND_REPORT_PATH_H

/* Returns: the last component, in `path`. */
const char *path_base(const char *path);

/* Takes "." and "name/.." and repeated slashes out of an absolute path, in place; another stays as it is.  What a symbolic link
 * leads to is not asked. */
void path_tidy(char *path);

#endif
