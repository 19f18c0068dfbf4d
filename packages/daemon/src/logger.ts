/** Where the engine says what its administrator should know: the journal, or a terminal. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
