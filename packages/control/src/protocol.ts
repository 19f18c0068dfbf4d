/**
 * The control protocol: over a UNIX socket only root can open, one JSON object a line. The client sends one
 * request, the engine answers with one reply; a connection may carry several, one after the other.
 */

/** Commands and what they take and give. The engine refuses what is not here. */
export interface ControlRequest {
  command: string;
  arguments: Record<string, unknown>;
}

export type ControlReply = { ok: true; data: unknown } | { ok: false; code: string; message: string };

/** Longest line either side accepts, in bytes. */
export const LONGEST_LINE = 16 * 1024 * 1024;

/** What a command handler throws when the thing asked for is not so. */
export class ControlError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ControlError';
  }
}

/** Cuts a byte stream into lines. @returns false when a line is longer than allowed */
export class LineReader {
  private rest = '';
  constructor(private readonly onLine: (line: string) => void) {}

  push(chunk: string): boolean {
    this.rest += chunk;
    let newline = this.rest.indexOf('\n');
    while (newline >= 0) {
      const line = this.rest.slice(0, newline);
      this.rest = this.rest.slice(newline + 1);
      this.onLine(line);
      newline = this.rest.indexOf('\n');
    }
    return this.rest.length <= LONGEST_LINE;
  }
}
