#include "report/demangle.h"

#include <cstdlib>
#include <cstring>
#include <cxxabi.h>

#include "report/rust_name.h"

static const char *demangle_rust(struct pool *pool, const char *plain)
{
    struct buffer readable = {};
    const char *name = rust_name_read(plain, &readable) ? pool_string(pool, readable.data) : plain;
    buffer_free(&readable);
    return name;
}

const char *demangle(struct pool *pool, const char *name)
{
    // "transfer.isra.0", "buffer.1234", "f.cold": the part of the source is before the dot.
    const char *dot = *name == '.' ? nullptr : std::strchr(name, '.');
    const char *plain = dot ? pool_copy(pool, name, static_cast<size_t>(dot - name)) : name;
    if (std::strncmp(plain, "_R", 2) == 0)
        return demangle_rust(pool, plain);
    if (std::strncmp(plain, "_Z", 2) != 0)
        return plain;
    int status = 0;
    char *readable = abi::__cxa_demangle(plain, nullptr, nullptr, &status);
    if (!readable)
        return plain;
    const char *copy = pool_string(pool, readable);
    std::free(readable);
    return copy;
}

const char *demangle_without_parameters(struct pool *pool, const char *function)
{
    const char *close = std::strrchr(function, ')');
    // "(anonymous namespace)::value", "<fn(u8) as Trait>::call", "Set<(Kind)1>::add": no list of parameters.
    if (!close || std::strpbrk(close, ":>"))
        return function;
    int depth = 0;
    const char *open = close;
    for (; open >= function; open--) {
        depth += *open == ')' ? 1 : *open == '(' ? -1 : 0;
        if (depth == 0)
            break;
    }
    static const char call_operator[] = "operator";
    const size_t operator_length = sizeof call_operator - 1;
    if (open <= function)
        return function; // "(anonymous namespace)::value" or nothing before it
    const size_t length = static_cast<size_t>(open - function);
    if (length >= operator_length && std::strncmp(open - operator_length, call_operator, operator_length) == 0)
        return pool_copy(pool, function, static_cast<size_t>(close + 1 - function));
    return pool_copy(pool, function, length);
}
