/** The field table of a head: one row of int32 columns for each field, in the order they came. */

export const NAME_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
export const KIND = 4;
export const HASH = 5;
/** Row index of the next field of the same name, -1 at the last. */
export const NEXT = 6;
/** For the first field of a name: row index of the last. For the others -1. */
export const LAST = 7;
/** Columns of a row. */
export const ROW = 8;

/** Bits of KIND: the number of the known field. */
export const KIND_FIELD = 0xff;
/** The value goes over several lines. */
export const KIND_FOLDED = 0x100;
/** A repetition: not the first field of its name. */
export const KIND_REPEATED = 0x200;
