/* object_table.h: from an address of the program to the object there.
 *
 *   address >> 8 --hash--> bucket --> object --> object      all objects of 256 bytes share a bucket
 *
 * Model:     a map address -> object, live or tombstone.
 * Structure: linear hashing: one bucket is split for each few insertions, so that no insertion ever pays for all, and
 *            buckets lie in segments that double and never move.
 * Threads:   insertion and removal under RANK_OBJECTS.  Look-ups take nothing: `changes` is odd while a chain is being
 *            changed, and a look-up that found nothing although `changes` moved tries again.
 * Memory:    buckets and objects live as long as the table; removed objects are recycled.
 * Source:    Litwin 1980 (linear hashing).
 */
#ifndef LOCKHOUND_DETECTOR_OBJECT_TABLE_H
#define LOCKHOUND_DETECTOR_OBJECT_TABLE_H

#include "detector/object.h"
#include "detector/presence.h"

#define BUCKET_SEGMENTS 32
#define BUCKET_FIRST    256 /* buckets of the first segment; segment s > 0 has BUCKET_FIRST << (s - 1) */
#define BUCKET_LOAD     2   /* objects a bucket, on average, before one is split */

struct object_slab;

struct object_table {
    const struct detector_host *host;
    _Atomic(struct object *) *segment[BUCKET_SEGMENTS];
    _Atomic uint32_t buckets;
    _Atomic uint32_t changes;
    struct object *free;
    struct object_slab *slabs;
    uint32_t last_id;
    uint64_t count; /* in the table, tombstones too */
    struct presence presence;
};

bool object_table_init(struct object_table *table, const struct detector_host *host);
void object_table_delete(struct object_table *table);
/* Returns: the object at `address`, live or tombstone, or NULL.  Takes no rank. */
struct object *object_table_find(const struct object_table *table, uint64_t address);
/* The following hold RANK_OBJECTS.
 * Returns: an object with a fresh id at `address`, not yet live, or NULL without memory. */
struct object *object_table_insert(struct object_table *table, uint64_t address);
/* Takes all objects of [low, high) out.  Returns: them, linked by `next`; give each to object_table_recycle(). */
struct object *object_table_take_range(struct object_table *table, uint64_t low, uint64_t high);
void object_table_recycle(struct object_table *table, struct object *o);
/* Gives `o` a fresh id. */
void object_table_renew(struct object_table *table, struct object *o);
/* Calls `visit` for every object in the table. */
void object_table_visit(struct object_table *table, void (*visit)(void *ctx, struct object *o), void *ctx);
/* Returns: true when every object is in its bucket and counted (for tests). */
bool object_table_check(const struct object_table *table);

#endif
