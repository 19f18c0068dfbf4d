/** Bytes of CRYPTO frames that are put together per direction; a hello with the largest keys has some 4 kB. */
export const CRYPTO_BYTES = 1 << 16;

/** Pieces with gaps between them that are kept of one direction. */
export const CRYPTO_PIECES = 1024;

/** Connections between the same ends at a time of which the hello is put together. */
export const CONNECTIONS = 8;

/** Packets of one datagram that are looked at. */
export const PACKETS = 64;

/** Tags of one message of Google's QUIC, and such messages of one packet. */
export const TAGS = 128;
export const TAG_MESSAGES = 16;

/** Longest text that a packet's buffer has. */
export const TEXT_BYTES = 1 << 19;
