/** Bounds of what one FTP control connection may keep. */

/** Bytes of a line; of longer ones the rest is passed over. */
export const LINE_BYTES = 4096;
/** Commands that wait for their reply, as Suricata has it. */
export const OPEN_TRANSACTIONS = 1024;
/** Lines of the reply to one command that are kept. */
export const REPLY_LINES = 512;
/** Bytes of all of them. */
export const REPLY_BYTES = 65_536;
/** Bytes of a file's name that are handed to the data connection. */
export const FILE_NAME_BYTES = 255;
