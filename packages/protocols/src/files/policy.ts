/** How files are held for the rules. */

/** Hashes of files; bits of `FilePolicy.hashes`. */
export const FileHash = { MD5: 1, SHA1: 2, SHA256: 4 } as const;

/**
 * What is done with files. The object is read whenever a file is opened, so its owner may change it in place when
 * other rules are loaded; files that are open keep to what they were opened with.
 */
export interface FilePolicy {
  /** Bytes of each file that are held for inspection, 1024 to 1 048 576. */
  held: number;
  /**
   * What happens to a file that is longer: true, its oldest bytes make room, so that every part of it is inspected
   * once; false, only its first `held` bytes are inspected.
   */
  slides: boolean;
  /** Hashes that some rule asks for (bits of `FileHash`): no other is computed. */
  hashes: number;
  /** Files of one direction of a transaction; further ones are passed over. */
  files: number;
}

export const DEFAULT_FILE_POLICY: Readonly<FilePolicy> = {
  held: 102_400,
  slides: true,
  hashes: 0,
  files: 64,
};

/** Bytes of a file name that are kept. */
export const LONGEST_FILE_NAME = 1024;
