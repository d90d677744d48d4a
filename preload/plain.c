#include "preload/plain.h"

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

void *plain_memmove(void *to, const void *from, size_t size)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if ((uintptr_t)target - (uintptr_t)source >= size)
        for (size_t i = 0; i < size; i++)
            target[i] = source[i];
    else
        for (size_t i = size; i > 0; i--)
            target[i - 1] = source[i - 1];
    return to;
}

/* Old programs give memcpy() ranges that overlap, and its oldest version in libc moves. */
void *plain_memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return plain_memmove(to, from, size);
}

void *plain_mempcpy(void *restrict to, const void *restrict from, size_t size)
{
    return (char *)plain_memmove(to, from, size) + size;
}

void plain_bcopy(const void *from, void *to, size_t size)
{
    plain_memmove(to, from, size);
}

void *plain_memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)to)[i] = (unsigned char)byte;
    return to;
}

void plain_bzero(void *to, size_t size)
{
    plain_memset(to, 0, size);
}

int plain_memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *first = a, *second = b;
    for (size_t i = 0; i < size; i++)
        if (first[i] != second[i])
            return first[i] - second[i];
    return 0;
}

int plain_bcmp(const void *a, const void *b, size_t size)
{
    return plain_memcmp(a, b, size);
}

void *plain_memchr(const void *memory, int byte, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(bytes + i);
    return NULL;
}

void *plain_memrchr(const void *memory, int byte, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = size; i > 0; i--)
        if (bytes[i - 1] == (unsigned char)byte)
            return (void *)(uintptr_t)(bytes + i - 1);
    return NULL;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

size_t plain_strnlen(const char *string, size_t size)
{
    size_t length = 0;
    while (length < size && string[length] != '\0')
        length++;
    return length;
}

size_t plain_strlen(const char *string)
{
    return plain_strnlen(string, SIZE_MAX);
}

char *plain_stpcpy(char *restrict to, const char *restrict from)
{
    size_t length = plain_strlen(from);
    plain_memmove(to, from, length + 1);
    return to + length;
}

char *plain_strcpy(char *restrict to, const char *restrict from)
{
    plain_stpcpy(to, from);
    return to;
}

char *plain_stpncpy(char *restrict to, const char *restrict from, size_t size)
{
    size_t length = plain_strnlen(from, size);
    plain_memmove(to, from, length);
    plain_memset(to + length, 0, size - length);
    return to + length;
}

char *plain_strncpy(char *restrict to, const char *restrict from, size_t size)
{
    plain_stpncpy(to, from, size);
    return to;
}

char *plain_strcat(char *restrict to, const char *restrict from)
{
    plain_stpcpy(to + plain_strlen(to), from);
    return to;
}

char *plain_strncat(char *restrict to, const char *restrict from, size_t size)
{
    size_t length = plain_strnlen(from, size);
    char *end = to + plain_strlen(to);
    plain_memmove(end, from, length);
    end[length] = '\0';
    return to;
}

int plain_strncmp(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
        if (a[i] == '\0')
            break;
    }
    return 0;
}

int plain_strcmp(const char *a, const char *b)
{
    return plain_strncmp(a, b, SIZE_MAX);
}

char *plain_strchrnul(const char *string, int byte)
{
    while (*string != '\0' && *string != (char)byte)
        string++;
    return (char *)(uintptr_t)string;
}

char *plain_strchr(const char *string, int byte)
{
    char *found = plain_strchrnul(string, byte);
    return *found == (char)byte ? found : NULL;
}

char *plain_strrchr(const char *string, int byte)
{
    return plain_memrchr(string, byte, plain_strlen(string) + 1);
}

char *plain_strstr(const char *string, const char *part)
{
    size_t length = plain_strlen(part);
    for (;; string++) {
        if (plain_strncmp(string, part, length) == 0)
            return (char *)(uintptr_t)string;
        if (*string == '\0')
            return NULL;
    }
}

/* ---- wide characters --------------------------------------------------------------------------------------------- */

size_t plain_wcslen(const wchar_t *string)
{
    size_t length = 0;
    while (string[length] != L'\0')
        length++;
    return length;
}

wchar_t *plain_wmemcpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count)
{
    return plain_memmove(to, from, count * sizeof *to);
}

wchar_t *plain_wmemset(wchar_t *to, wchar_t character, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = character;
    return to;
}

/* ---- with the size of the target --------------------------------------------------------------------------------- */

void *plain___memcpy_chk(void *restrict to, const void *restrict from, size_t size, size_t room)
{
    (void)room;
    return plain_memmove(to, from, size);
}

void *plain___memmove_chk(void *to, const void *from, size_t size, size_t room)
{
    (void)room;
    return plain_memmove(to, from, size);
}

void *plain___mempcpy_chk(void *restrict to, const void *restrict from, size_t size, size_t room)
{
    (void)room;
    return plain_mempcpy(to, from, size);
}

void *plain___memset_chk(void *to, int byte, size_t size, size_t room)
{
    (void)room;
    return plain_memset(to, byte, size);
}

char *plain___strcpy_chk(char *restrict to, const char *restrict from, size_t room)
{
    (void)room;
    return plain_strcpy(to, from);
}

char *plain___stpcpy_chk(char *restrict to, const char *restrict from, size_t room)
{
    (void)room;
    return plain_stpcpy(to, from);
}

char *plain___strncpy_chk(char *restrict to, const char *restrict from, size_t size, size_t room)
{
    (void)room;
    return plain_strncpy(to, from, size);
}

char *plain___strcat_chk(char *restrict to, const char *restrict from, size_t room)
{
    (void)room;
    return plain_strcat(to, from);
}

char *plain___strncat_chk(char *restrict to, const char *restrict from, size_t size, size_t room)
{
    (void)room;
    return plain_strncat(to, from, size);
}
