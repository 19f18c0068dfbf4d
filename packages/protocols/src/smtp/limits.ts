/** Bounds of what one SMTP session may keep. */

/** Bytes of a line; of longer ones the rest is passed over, or in a mail comes as further pieces. */
export const LINE_BYTES = 4096;
/** Recipients of one mail that are kept; servers take a thousand by default. */
export const MOST_RECIPIENTS = 4096;
/** Bytes of all of them. */
export const RECIPIENT_BYTES = 262_144;
/** Commands that wait for their reply; further ones are not told apart. */
export const PENDING_COMMANDS = 1024;
