/* memcached_load.c: a closed-loop client for memcached's text protocol.
 *
 *   memcached_load PORT CONNECTIONS MILLISECONDS   prints "REQUESTS_PER_SECOND"
 *
 * Model: one thread, CONNECTIONS sockets, one request outstanding on each; nine gets to one set over 1000 keys.
 * A request is answered when its last line has come: "STORED" for a set, "END" for a get.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 64, KEYS = 1000, VALUE_SIZE = 100, ANSWER_SIZE = 4096 };

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool send_request(int fd, uint64_t number)
{
    char text[VALUE_SIZE + 64];
    unsigned key = (unsigned)(number * 7919 % KEYS);
    int length;
    if (number % 10 == 0)
        length = snprintf(text, sizeof text, "set k%u 0 0 %d\r\n%0*u\r\n", key, VALUE_SIZE, VALUE_SIZE, key);
    else
        length = snprintf(text, sizeof text, "get k%u\r\n", key);
    return write(fd, text, (size_t)length) == length;
}

/* Answers are far smaller than a segment, so one read takes a whole one on loopback; a torn one ends the run. */
static bool take_answer(int fd)
{
    char text[ANSWER_SIZE];
    ssize_t length = read(fd, text, sizeof text - 1);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return strstr(text, "END\r\n") != NULL || strstr(text, "STORED\r\n") != NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns: requests answered in `duration_ms`, or -1 when the server answered wrongly or hung up. */
static int64_t drive(struct pollfd *polls, nfds_t connections, int64_t duration_ms)
{
    uint64_t sent = 0;
    int64_t answered = 0;
    int64_t until = now_ms() + duration_ms;

    for (nfds_t i = 0; i < connections; i++)
        if (!send_request(polls[i].fd, sent++))
            return -1;
    while (now_ms() < until) {
        if (poll(polls, connections, 1000) <= 0)
            return -1;
        for (nfds_t i = 0; i < connections; i++) {
            if (polls[i].revents == 0)
                continue;
            if (!take_answer(polls[i].fd) || !send_request(polls[i].fd, sent++))
                return -1;
            answered++;
        }
    }
    return answered;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: memcached_load PORT CONNECTIONS MILLISECONDS\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    nfds_t connections = strtoul(argv[2], NULL, 10);
    int64_t duration_ms = strtol(argv[3], NULL, 10);
    struct pollfd polls[MAX_CONNECTIONS];
    if (connections == 0 || connections > MAX_CONNECTIONS || duration_ms <= 0)
        return 2;

    for (nfds_t i = 0; i < connections; i++) {
        polls[i] = (struct pollfd){.fd = connect_to(port), .events = POLLIN};
        if (polls[i].fd < 0) {
            perror("memcached_load: connect");
            return 1;
        }
    }
    int64_t answered = drive(polls, connections, duration_ms);
    if (answered < 0) {
        fprintf(stderr, "memcached_load: the server stopped answering\n");
        return 1;
    }
    printf("%.0f\n", (double)answered * 1000 / (double)duration_ms);
    return 0;
}
