/** Bounds of the DNS parser. */

/** Octets of a name in dotted form; what is longer is cut off. A name that is no abuse has at most 253. */
export const MAX_NAME_BYTES = 1025;
/** Labels and pointers of one name. */
export const MAX_LABELS = 255;
/** Labels and pointers of all names of a message: pointers let a short message stand for very many. */
export const MAX_MESSAGE_LABELS = 16_384;
/** Octets of all names of a message in dotted form. */
export const MAX_MESSAGE_NAME_BYTES = 262_144;
/** The longest message, and its length before it over TCP (RFC 1035 section 4.2.2). */
export const MAX_TCP_MESSAGE = 65_535 + 2;
/** Records of a section that an alert tells. */
export const MAX_TOLD_RECORDS = 32;
/** Octets of a text that an alert tells. */
export const MAX_TOLD_TEXT = 512;
