/** Sizes and numbers of SSH's transport (RFC 4253). */

/** Bytes of a banner, its line end included; a longer one is an event and its first bytes are used. */
export const BANNER_BYTES = 256;
/** Length, length of the padding, number of the message. */
export const RECORD_HEADER = 6;
export const NEWKEYS = 21;
