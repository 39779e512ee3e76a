/*
 * An entity's record is 64 bytes, one cache line, seen as int32 and as float64:
 *   int32    0 base · 1 head · 2 kept · 3 1 + size class · 4 sequence · 5 count · 14 tile chain · 15 extra
 *   float64  3 first time · 4 second time · 5 newest time · 6 newest dropped time
 */

/** Numbers of a record, as int32. */
export const INTS = 16;
/** Numbers of a record, as float64. */
export const FLOATS = 8;

/** First slot of the entity's block of events, int32. */
export const BASE = 0;
/** Place of its oldest event in the block, which is a ring. */
export const HEAD = 1;
/** Events in memory. */
export const KEPT = 2;
/** 1 + the block's size class; 0 where it has no block. */
export const CLASS = 3;
/** The last number that the entity gave. */
export const SEQUENCE = 4;
/** Events that it ever had, without those that were retracted. */
export const COUNT = 5;
/** 1 + the first of its tiles. */
export const CHAIN = 14;
/** A number of the store's. */
export const EXTRA = 15;

/** The smallest event time, float64. */
export const FIRST = 3;
/** The second smallest. */
export const SECOND = 4;
/** The largest that was ever seen. */
export const NEWEST = 5;
/** The largest of what was dropped. */
export const DROPPED = 6;
