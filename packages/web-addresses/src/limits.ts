/** Longest host name without its final dot (RFC 1035 §2.3.4), and longest label. */
export const MAX_HOST = 253;
export const MAX_LABEL = 63;
/** Bytes of path and query that are looked at; an entry that has more is no entry. */
export const MAX_PATH = 2048;
/** Segments of a path at which an entry may end and cover what lies below. */
export const MAX_SEGMENTS = 16;
/** A longer line of a feed is skipped and counted. */
export const MAX_LINE = 8192;
/** Bytes of a feed. */
export const MAX_FEED = 2 * 1024 ** 3;
/** Addresses in one table. */
export const MAX_ENTRIES = 50_000_000;
/** Lists in one table, the one of exceptions included: their numbers are bytes. */
export const MAX_LISTS = 255;
/** Categories in one table: their numbers are bytes. */
export const MAX_CATEGORIES = 255;
/** Longest name of a category that a feed brings along. */
export const MAX_CATEGORY_NAME = 64;
/** Lines of a feed that are named, of those that could not be used. */
export const NAMED_BAD_LINES = 20;
