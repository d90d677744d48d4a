/* connection.h: Pipe, two connected ends that carry whole messages between processes or threads.
 *
 *   end a  --[length][bytes]-->  end b        (and back, when it is duplex)
 *
 *   operation                  may block   signal handler   destructor
 *   lhp_connection_pair        no          no               yes
 *   lhp_connection_send        yes         no               yes
 *   lhp_connection_recv[_new]  yes         no               yes
 *   lhp_connection_poll        yes         no               yes
 *   lhp_connection_close       no          yes              yes
 *
 * Edges:        a send happens before the recv that returns its message.
 * Rule:         one sender and one receiver at a time an end: two would mix their bytes.
 * Cancellation: send, recv and poll are cancellation points until the first byte of a message has moved; a message is
 *               never torn.
 * Fork:         both ends exist in both processes: close in each the one it does not use, or EOF will never be seen.
 * Lifetime:     close each end once in each process.  Descriptors are close-on-exec.
 * Cost:         one system call a message and side when the other is ready.
 * Source:       Python's multiprocessing.Pipe, and its wire format.
 */
#ifndef LHP_CONNECTION_H
#define LHP_CONNECTION_H

#include <lhp/status.h>

struct lhp_connection {
    int fd; /* -1 when closed */
    bool readable, writable;
};

LHP_BEGIN
/* Connects `a` and `b`.  Not `duplex`: a only receives, b only sends.  Returns: LHP_OK or LHP_SYSTEM. */
LHP_API LHP_NODISCARD enum lhp_status lhp_connection_pair(struct lhp_connection *a, struct lhp_connection *b,
                                                          bool duplex);
/* Returns: LHP_OK; LHP_BAD_STATE for an end that is closed or only receives; LHP_EOF when the other end is closed (no
 * SIGPIPE); LHP_SYSTEM. */
LHP_API LHP_NODISCARD enum lhp_status lhp_connection_send(struct lhp_connection *connection, const void *message,
                                                          size_t size);
/* Waits for a message and sets *size.  Returns: LHP_OK; LHP_TOO_LONG when it has more than `capacity` bytes; LHP_EOF;
 * LHP_BROKEN when the other end closed in the middle of a message; LHP_BAD_STATE; LHP_SYSTEM. */
LHP_API LHP_NODISCARD enum lhp_status lhp_connection_recv(struct lhp_connection *connection, void *message,
                                                          size_t capacity, size_t *size);
/* As recv, into memory from malloc() that the caller frees.  Returns: as recv, or LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_connection_recv_new(struct lhp_connection *connection, void **message,
                                                              size_t *size);
/* Returns: LHP_OK when recv would not wait (a message or EOF is there); LHP_TIMEOUT; LHP_BAD_STATE; LHP_SYSTEM. */
LHP_API LHP_NODISCARD enum lhp_status lhp_connection_poll(struct lhp_connection *connection, int64_t timeout_ns);
LHP_API void lhp_connection_close(struct lhp_connection *connection);
LHP_END

#endif
