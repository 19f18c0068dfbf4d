/** Bytes of a record behind its header: 2^14 and what compression or encryption may add (RFC 5246 section 6.2.2). */
export const RECORD_BYTES = (1 << 14) + 1024;

/**
 * Bytes of a handshake message that is put together from several records; a longer one is passed over. Real chains of
 * certificates have up to some 20 kB; servers take hellos of up to 131 396 (OpenSSL).
 */
export const MESSAGE_BYTES = 1 << 18;

/** Certificates of one chain that are told apart, and names of one certificate. */
export const CERTIFICATES = 256;
export const ALTERNATIVE_NAMES = 1024;

/** Bytes of text that the buffers of one transaction may take while it is looked at (names, fingerprints). */
export const TEXT_BYTES = 1 << 20;

/** Names of application protocols in one hello. */
export const APPLICATION_PROTOCOLS = 256;

/** Characters of one text in the description of a transaction. */
export const DESCRIBED = 1024;
