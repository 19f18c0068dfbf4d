/** What a real peer would not send. Names as in Suricata's `ftp-events.rules`. */
export const FtpEvent = {
  REQUEST_COMMAND_TOO_LONG: 'ftp.request_command_too_long',
  RESPONSE_COMMAND_TOO_LONG: 'ftp.response_command_too_long',
  TOO_MANY_TRANSACTIONS: 'ftp.too_many_transactions',
} as const;

export const FTP_EVENTS: readonly string[] = Object.values(FtpEvent);
