#include "detector/commons_block.h"

#include <stdatomic.h>
#include <string.h>

#include "detector/relaxed.h"

enum { PROBES_MAX = 64 };

/* ---- records ---------------------------------------------------------------------------------------------------- */

/* The finaliser of MurmurHash3 (Appleby), word by word; records are multiples of eight bytes. */
uint64_t commons_seal(const void *bytes, size_t size)
{
    uint64_t hash = size, word;
    for (size_t at = 0; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, (const char *)bytes + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 33;
    }
    return hash == 0 ? 1 : hash;
}

static void count_one(_Atomic uint32_t *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed); /* a statistic */
}

void commons_note_lost(struct commons *c)
{
    count_one(&c->lost);
}

bool commons_copy(struct commons *c, void *to, const void *from, size_t size, uint64_t seal)
{
    memcpy(to, from, size);
    bool is_good = seal != 0 && commons_seal(to, size) == seal;
    if (!is_good && seal != 0)
        count_one(&c->damaged);
    return is_good;
}

uint32_t commons_count(const _Atomic uint32_t *count, uint32_t limit)
{
    uint32_t value = relaxed_load(count);
    return value > limit ? limit : value;
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool lock_is_good(const struct commons_lock *lock)
{
    bool is_known = commons_is_end(lock->identity) || lock->identity == COMMONS_WITHIN ||
                    (lock->identity >= 1 && lock->identity <= COMMONS_LOCKS);
    return is_known && lock->stack <= COMMONS_STACKS;
}

bool commons_copy_party(struct commons *c, struct commons_party *to, const struct party_slot *slot)
{
    if (!commons_copy(c, to, &slot->record, sizeof *to, slot->seal))
        return false;
    bool is_good = to->process >= 1 && to->process <= COMMONS_PROCESSES && to->held_count <= COMMONS_HELD_MAX &&
                   is_text(to->name, sizeof to->name) && lock_is_good(&to->wanted);
    for (uint32_t i = 0; is_good && i < to->held_count; i++)
        is_good = lock_is_good(&to->held[i]);
    return is_good;
}

/* ---- the block -------------------------------------------------------------------------------------------------- */

size_t commons_size(void)
{
    return sizeof(struct commons);
}

bool commons_begin(struct commons *c)
{
    uint64_t seen = 0;
    return atomic_compare_exchange_strong(&c->magic, &seen, COMMONS_MAGIC) || seen == COMMONS_MAGIC;
}

_Atomic uint32_t *commons_lock_word(struct commons *c)
{
    return &c->lock;
}

uint32_t commons_births(const struct commons *c)
{
    return relaxed_load(&c->births);
}

uint32_t commons_lost(const struct commons *c)
{
    return relaxed_load(&c->lost);
}

uint32_t commons_damaged(const struct commons *c)
{
    return relaxed_load(&c->damaged);
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

/* Returns: false when it is damaged or known to be gone. */
static bool is_there(struct commons *c, uint32_t i, struct commons_process *process)
{
    const struct process_slot *slot = &c->processes[i];
    return relaxed_load(&slot->gone_ns) == 0 && commons_copy(c, process, &slot->record, sizeof *process, slot->seal);
}

void commons_sweep(struct commons *c, const struct commons_host *host)
{
    uint32_t count = commons_count(&c->process_count, COMMONS_PROCESSES);
    for (uint32_t i = 0; i < count; i++) {
        struct commons_process process;
        if (is_there(c, i, &process) && host->is_gone(host->ctx, process.pid))
            relaxed_store(&c->processes[i].gone_ns, host->now_ns(host->ctx));
    }
}

bool commons_process_lives(struct commons *c, uint32_t number, const struct commons_host *host)
{
    struct commons_process process;
    return number >= 1 && number <= COMMONS_PROCESSES && is_there(c, number - 1, &process) &&
           host->life(host->ctx, process.pid, process.start_time) == COMMONS_LIVES;
}

bool commons_others_live(struct commons *c, uint32_t number, const struct commons_host *host)
{
    uint32_t count = commons_count(&c->process_count, COMMONS_PROCESSES);
    for (uint32_t i = 0; i < count; i++)
        if (i + 1 != number && commons_process_lives(c, i + 1, host))
            return true;
    return false;
}

/* Another program in the same process is another process here; the one before is gone. */
static void succeed(struct commons *c, uint32_t count, struct commons_process *process)
{
    for (uint32_t i = 0; i < count; i++) {
        struct commons_process before;
        if (is_there(c, i, &before) && before.pid == process->pid) {
            process->began_ns = before.start_time == process->start_time ? before.began_ns : process->began_ns;
            relaxed_store(&c->processes[i].gone_ns, process->joined_ns);
            commons_inherit(c, count + 1, i + 1);
        }
    }
}

static uint64_t find_parent(struct commons *c, uint32_t count, int64_t pid)
{
    for (uint32_t i = count; i > 0; i--)
        if (c->processes[i - 1].record.pid == pid && relaxed_load(&c->processes[i - 1].gone_ns) == 0)
            return i;
    return 0;
}

uint32_t commons_add_process(struct commons *c, const struct commons_process *process, const struct commons_host *host)
{
    uint32_t count = commons_count(&c->process_count, COMMONS_PROCESSES);
    commons_sweep(c, host);
    if (count == COMMONS_PROCESSES) {
        commons_note_lost(c);
        return 0;
    }
    struct process_slot *slot = &c->processes[count];
    slot->record = *process;
    slot->record.joined_ns = host->now_ns(host->ctx); /* after the sweep: who was gone by then comes before */
    succeed(c, count, &slot->record);
    slot->record.parent = find_parent(c, count, process->parent_pid);
    commons_inherit(c, count + 1, slot->record.parent);
    relaxed_store(&slot->gone_ns, 0);
    slot->seal = commons_seal(&slot->record, sizeof slot->record);
    relaxed_store(&c->process_count, count + 1);
    count_one(&c->births);
    return count + 1;
}

bool commons_get_process(struct commons *c, uint32_t number, struct commons_process *process)
{
    if (number < 1 || number > COMMONS_PROCESSES)
        return false;
    const struct process_slot *slot = &c->processes[number - 1];
    return commons_copy(c, process, &slot->record, sizeof *process, slot->seal) &&
           is_text(process->name, sizeof process->name);
}

/* ---- modules and stacks ----------------------------------------------------------------------------------------- */

bool commons_get_module(struct commons *c, uint32_t number, struct commons_module *module)
{
    if (number < 1 || number > COMMONS_MODULES)
        return false;
    const struct module_slot *slot = &c->modules[number - 1];
    return commons_copy(c, module, &slot->record, sizeof *module, slot->seal) &&
           is_text(module->path, sizeof module->path) && is_text(module->function, sizeof module->function) &&
           module->build_id_size <= COMMONS_BUILD_ID_SIZE;
}

uint32_t commons_add_module(struct commons *c, const struct commons_module *module)
{
    uint64_t seal = commons_seal(module, sizeof *module);
    uint32_t count = commons_count(&c->module_count, COMMONS_MODULES);
    for (uint32_t i = 0; i < count; i++) {
        const struct module_slot *slot = &c->modules[i];
        if (slot->seal == seal && memcmp(&slot->record, module, sizeof *module) == 0)
            return i + 1;
    }
    if (count == COMMONS_MODULES) {
        commons_note_lost(c);
        return 0;
    }
    c->modules[count].record = *module;
    c->modules[count].seal = seal;
    relaxed_store(&c->module_count, count + 1);
    return count + 1;
}

bool commons_get_stack(struct commons *c, uint32_t number, struct commons_stack *stack)
{
    if (number < 1 || number > COMMONS_STACKS)
        return false;
    const struct stack_slot *slot = &c->stacks[number - 1];
    return commons_copy(c, stack, &slot->record, sizeof *stack, slot->seal) && stack->depth <= COMMONS_FRAMES;
}

uint32_t commons_add_stack(struct commons *c, const struct commons_stack *stack)
{
    uint64_t seal = commons_seal(stack, sizeof *stack);
    for (uint64_t probe = 0; probe < PROBES_MAX; probe++) {
        uint32_t place = (uint32_t)((seal + probe) % COMMONS_STACKS);
        struct stack_slot *slot = &c->stacks[place];
        if (slot->seal == 0) {
            slot->record = *stack;
            slot->seal = seal;
        }
        if (slot->seal == seal && memcmp(&slot->record, stack, sizeof *stack) == 0)
            return place + 1;
    }
    commons_note_lost(c);
    return 0;
}

/* ---- identities ------------------------------------------------------------------------------------------------- */

bool commons_get_identity(struct commons *c, uint32_t number, struct commons_identity *identity)
{
    if (number < 1 || number > COMMONS_LOCKS)
        return false;
    const struct identity_slot *slot = &c->identities[number - 1];
    return commons_copy(c, identity, &slot->record, sizeof *identity, slot->seal) &&
           is_text(identity->path, sizeof identity->path);
}

/* The identities `first` .. `first` + `count` - 1 are a table of their own.  Returns: the slot of that key, or a free one
 * where it may stand; NULL when there is no room. */
static struct identity_slot *find_slot(struct commons *c, const struct commons_key *key, uint32_t first, uint32_t count)
{
    uint64_t hash = commons_seal(key, sizeof *key);
    for (uint64_t probe = 0; probe < PROBES_MAX; probe++) {
        struct identity_slot *slot = &c->identities[first + (hash + probe) % count];
        /* sealed or not: the seal is checked when the record is read */
        if (slot->seal == 0 || memcmp(&slot->record.key, key, sizeof *key) == 0)
            return slot;
    }
    return NULL;
}

static uint32_t add_to(struct commons *c, const struct commons_identity *identity, uint32_t first, uint32_t count,
                       bool *is_new)
{
    struct identity_slot *slot = find_slot(c, &identity->key, first, count);
    *is_new = false;
    if (slot == NULL) {
        commons_note_lost(c);
        return 0;
    }
    if (slot->seal == 0) {
        *is_new = true;
        slot->record = *identity;
        slot->seal = commons_seal(identity, sizeof *identity);
    }
    return (uint32_t)(slot - c->identities) + 1;
}

uint32_t commons_add_identity(struct commons *c, const struct commons_identity *identity, bool *is_new)
{
    return add_to(c, identity, 0, COMMONS_IDENTITIES, is_new);
}

uint32_t commons_add_private(struct commons *c, const struct commons_identity *identity)
{
    bool is_new;
    return add_to(c, identity, COMMONS_IDENTITIES, COMMONS_PRIVATE, &is_new);
}

uint32_t commons_find_private(struct commons *c, const struct commons_key *key)
{
    struct identity_slot *slot = find_slot(c, key, COMMONS_IDENTITIES, COMMONS_PRIVATE);
    return slot == NULL || slot->seal == 0 ? 0 : (uint32_t)(slot - c->identities) + 1;
}

uint32_t commons_generation(const struct commons *c, uint32_t identity)
{
    return identity >= 1 && identity <= COMMONS_LOCKS ? relaxed_load(&c->identities[identity - 1].generation) : 0;
}

void commons_renew_identity(struct commons *c, uint32_t identity)
{
    if (identity >= 1 && identity <= COMMONS_LOCKS) {
        relaxed_store(&c->identities[identity - 1].is_no_lock, 0);
        relaxed_store(&c->identities[identity - 1].waiters, 0);
        relaxed_store(&c->identities[identity - 1].arrivals, 0);
        count_one(&c->identities[identity - 1].generation);
    }
}

void commons_set_no_lock(struct commons *c, uint32_t identity)
{
    if (identity >= 1 && identity <= COMMONS_LOCKS)
        relaxed_store(&c->identities[identity - 1].is_no_lock, 1);
}

bool commons_is_no_lock(const struct commons *c, uint32_t identity)
{
    return identity < 1 || identity > COMMONS_LOCKS || relaxed_load(&c->identities[identity - 1].is_no_lock) != 0;
}

struct commons_lock commons_end_of(int64_t pid, uint64_t start_time)
{
    const uint64_t words[] = {(uint64_t)pid, start_time};
    uint64_t hash = commons_seal(words, sizeof words);
    return (struct commons_lock){.identity = COMMONS_END_BIT | (uint32_t)hash, .generation = (uint32_t)(hash >> 32)};
}
