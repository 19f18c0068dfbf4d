/** What a real peer would not send. Names as Suricata has them. */
export const Pop3Event = {
  TOO_MANY_TRANSACTIONS: 'pop3.too_many_transactions',
  REQUEST_TOO_LONG: 'pop3.request_too_long',
  INCORRECT_ARGUMENT_COUNT: 'pop3.incorrect_argument_count',
  UNKNOWN_COMMAND: 'pop3.unknown_command',
  RESPONSE_TOO_LONG: 'pop3.response_too_long',
} as const;

export const POP3_EVENTS: readonly string[] = Object.values(Pop3Event);
