#include "preload/intercept/channels.h"

#include <sys/stat.h>

#include "preload/intercept/objects.h"
#include "preload/raw.h"

enum { INODES_LOG2 = 10, INODES = 1 << INODES_LOG2, NUMBERS = 1024, NAMES_LOG2 = 8, NAMES = 1 << NAMES_LOG2 };

/* Nothing is stored in them: each is the address of a channel. */
static uint64_t inode_places[INODES], number_places[NUMBERS], all_numbers_place, signal_places[_NSIG], any_signal_place,
    socket_place, nameless_place, named_places[NAMES];

static size_t hash(uint64_t key, unsigned bits)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

/* Returns: NULL when the descriptor is none. */
static const void *place_of(int fd)
{
    struct stat status;
    if (raw_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) != 0)
        return NULL;
    if (S_ISSOCK(status.st_mode))
        return &socket_place;
    if ((status.st_mode & S_IFMT) == 0)
        return &nameless_place;
    uint64_t key = (uint64_t)status.st_ino ^ (uint64_t)status.st_dev << 32;
    return &inode_places[hash(key, INODES_LOG2)];
}

static struct object *channel_at(struct self *self, const void *place, struct stack_id at)
{
    struct object *object = hook_object(self, place);
    return object != NULL ? object : objects_adopt(self, OBJECT_FUTEX, place, NULL, at);
}

static void send_at(struct self *self, const void *place, struct stack_id at)
{
    struct object *channel = place != NULL ? channel_at(self, place, at) : NULL;
    if (channel != NULL)
        emit_channel_send(self, channel, at);
}

static void receive_at(struct self *self, const void *place, struct stack_id at)
{
    struct object *channel = place != NULL ? channel_at(self, place, at) : NULL;
    if (channel != NULL)
        emit_channel_receive(self, channel);
}

void channels_send(struct self *self, int fd, struct stack_id at)
{
    send_at(self, place_of(fd), at);
}

void channels_receive(struct self *self, int fd, struct stack_id at)
{
    receive_at(self, place_of(fd), at);
}

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

void channels_send_number(struct self *self, unsigned number, struct stack_id at)
{
    send_at(self, &number_places[number % NUMBERS], at);
}

void channels_send_all_numbers(struct self *self, struct stack_id at)
{
    send_at(self, &all_numbers_place, at);
}

/* A channel on which nobody has sent need not be made. */
static void receive_if_known(struct self *self, const void *place)
{
    struct object *channel = hook_object(self, place);
    if (channel != NULL)
        emit_channel_receive(self, channel);
}

void channels_receive_number(struct self *self, unsigned number)
{
    receive_if_known(self, &number_places[number % NUMBERS]);
    receive_if_known(self, &all_numbers_place);
}

/* ---- signals ------------------------------------------------------------------------------------------------------- */

void channels_send_signal(struct self *self, int number, struct stack_id at)
{
    if (number <= 0 || number >= _NSIG)
        return;
    send_at(self, &signal_places[number], at);
    send_at(self, &nameless_place, at); /* a signalfd is one of those */
}

void channels_send_any_signal(struct self *self, struct stack_id at)
{
    send_at(self, &any_signal_place, at);
    send_at(self, &nameless_place, at);
}

void channels_receive_notice(struct self *self)
{
    receive_if_known(self, &any_signal_place);
}

void channels_receive_signal(struct self *self, int number)
{
    if (number <= 0 || number >= _NSIG)
        return;
    receive_at(self, &signal_places[number], (struct stack_id){0});
    receive_if_known(self, &any_signal_place);
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

static const void *named_place(enum channel_kind kind, uint64_t name)
{
    return &named_places[hash(name ^ (uint64_t)kind << 60, NAMES_LOG2)];
}

void channels_send_named(struct self *self, enum channel_kind kind, uint64_t name, struct stack_id at)
{
    send_at(self, named_place(kind, name), at);
}

void channels_receive_named(struct self *self, enum channel_kind kind, uint64_t name)
{
    receive_if_known(self, named_place(kind, name));
}
