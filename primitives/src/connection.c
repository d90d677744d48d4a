#include <lhp/connection.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "timing.h"

/* Wire format: a 32-bit length in network order, or -1 and a 64-bit one, then the bytes. */
enum { SHORT_HEADER = 4, LONG_HEADER = 12 };

enum lhp_status lhp_connection_pair(struct lhp_connection *a, struct lhp_connection *b, bool duplex)
{
    int fds[2];
    /* A socket pair also for one direction: only sockets can be written to without the risk of SIGPIPE. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return LHP_SYSTEM;
    *a = (struct lhp_connection){fds[0], true, duplex};
    *b = (struct lhp_connection){fds[1], duplex, true};
    return LHP_OK;
}

void lhp_connection_close(struct lhp_connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

/* The one cancellation point of each operation: nothing has moved yet. */
static enum lhp_status connection_await(struct lhp_connection *c, short events, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    for (;;) {
        struct pollfd p = {.fd = c->fd, .events = events};
        int64_t left = deadline_left_ns(&d);
        struct timespec limit = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        int n = ppoll(&p, 1, left < 0 ? NULL : &limit, NULL);
        if (n > 0)
            return LHP_OK;
        if (n == 0)
            return LHP_TIMEOUT;
        if (errno != EINTR)
            return LHP_SYSTEM;
    }
}

static size_t header_write(unsigned char *header, size_t size)
{
    uint32_t words[3];
    if (size <= INT32_MAX) {
        words[0] = htonl((uint32_t)size);
        memcpy(header, words, SHORT_HEADER);
        return SHORT_HEADER;
    }
    words[0] = htonl(UINT32_MAX);
    words[1] = htonl((uint32_t)(size >> 32));
    words[2] = htonl((uint32_t)size);
    memcpy(header, words, LONG_HEADER);
    return LONG_HEADER;
}

static enum lhp_status write_all(int fd, struct iovec *parts, size_t count)
{
    while (count > 0) {
        struct msghdr m = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EPIPE || errno == ECONNRESET ? LHP_EOF : LHP_SYSTEM;
        for (; count > 0 && (size_t)n >= parts->iov_len; parts++, count--)
            n -= (ssize_t)parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + n;
            parts->iov_len -= (size_t)n;
        }
    }
    return LHP_OK;
}

enum lhp_status lhp_connection_send(struct lhp_connection *connection, const void *message, size_t size)
{
    if (connection->fd < 0 || !connection->writable)
        return LHP_BAD_STATE;
    enum lhp_status status = connection_await(connection, POLLOUT, LHP_FOREVER);
    if (status != LHP_OK)
        return status;
    unsigned char header[LONG_HEADER];
    struct iovec parts[2] = {{header, header_write(header, size)}, {(void *)(uintptr_t)message, size}};
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    status = write_all(connection->fd, parts, size ? 2 : 1);
    pthread_setcancelstate(cancel, NULL);
    return status;
}

/* Returns: LHP_OK, LHP_EOF before the first byte, LHP_BROKEN after it, LHP_SYSTEM. */
static enum lhp_status read_all(int fd, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ECONNRESET)
            return LHP_SYSTEM;
        if (n <= 0)
            return done == 0 ? LHP_EOF : LHP_BROKEN;
        done += (size_t)n;
    }
    return LHP_OK;
}

static enum lhp_status torn(enum lhp_status status)
{
    return status == LHP_EOF ? LHP_BROKEN : status;
}

static enum lhp_status read_header(int fd, size_t *size)
{
    uint32_t words[2];
    enum lhp_status status = read_all(fd, words, SHORT_HEADER);
    if (status != LHP_OK)
        return status;
    *size = ntohl(words[0]);
    if (*size <= INT32_MAX)
        return LHP_OK;
    status = read_all(fd, words, sizeof(words));
    *size = (size_t)ntohl(words[0]) << 32 | ntohl(words[1]);
    return torn(status);
}

static enum lhp_status skip(int fd, size_t size)
{
    char bin[4096];
    while (size > 0) {
        size_t part = size < sizeof(bin) ? size : sizeof(bin);
        enum lhp_status status = torn(read_all(fd, bin, part));
        if (status != LHP_OK)
            return status;
        size -= part;
    }
    return LHP_TOO_LONG;
}

/* Reads into *message when it is set, else into new memory. */
static enum lhp_status read_message(int fd, void **message, size_t capacity, size_t *size)
{
    enum lhp_status status = read_header(fd, size);
    if (status != LHP_OK)
        return status;
    if (*size > capacity)
        return skip(fd, *size);
    void *made = NULL;
    if (!*message && !(*message = made = malloc(*size ? *size : 1))) {
        status = skip(fd, *size);
        return status == LHP_TOO_LONG ? LHP_NO_MEMORY : status;
    }
    status = torn(read_all(fd, *message, *size));
    if (status != LHP_OK)
        free(made);
    return status;
}

static enum lhp_status connection_recv(struct lhp_connection *c, void **message, size_t capacity, size_t *size)
{
    if (c->fd < 0 || !c->readable)
        return LHP_BAD_STATE;
    enum lhp_status status = connection_await(c, POLLIN, LHP_FOREVER);
    if (status != LHP_OK)
        return status;
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    status = read_message(c->fd, message, capacity, size);
    pthread_setcancelstate(cancel, NULL);
    return status;
}

enum lhp_status lhp_connection_recv(struct lhp_connection *connection, void *message, size_t capacity, size_t *size)
{
    char nothing;
    void *buffer = message ? message : &nothing;
    return connection_recv(connection, &buffer, message ? capacity : 0, size);
}

enum lhp_status lhp_connection_recv_new(struct lhp_connection *connection, void **message, size_t *size)
{
    *message = NULL;
    return connection_recv(connection, message, SIZE_MAX, size);
}

enum lhp_status lhp_connection_poll(struct lhp_connection *connection, int64_t timeout_ns)
{
    if (connection->fd < 0 || !connection->readable)
        return LHP_BAD_STATE;
    return connection_await(connection, POLLIN, timeout_ns);
}
