/** Progress of an SMTP transaction; both directions have the same. */
export const SmtpProgress = {
  NONE: 0,
  /** Commands have come. */
  ENVELOPE: 1,
  /** The header of the mail is there. */
  HEADER: 2,
  /** The mail is over, or there is none. */
  COMPLETE: 3,
} as const;
