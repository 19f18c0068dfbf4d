/** Progress of one direction of an FTP transaction. */
export const FtpProgress = {
  NONE: 0,
  /** To the server: the command is there, which is all. To the client: a reply has begun, or none will come. */
  BEGUN: 1,
  /** The last reply is there. */
  COMPLETE: 2,
} as const;
