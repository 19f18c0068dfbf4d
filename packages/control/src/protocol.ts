/**
 * The control protocol: over a UNIX socket only root can open, one JSON object a line. The client sends one
 * request, the engine answers with one reply; a connection may carry several, one after the other, of which a
 * hundred may be sent before the first is answered.
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
  /** A line so far, in pieces: what has been looked through is not looked through again. */
  private pieces: string[] = [];
  private length = 0;

  constructor(private readonly onLine: (line: string) => void) {}

  push(chunk: string): boolean {
    let from = 0;
    for (;;) {
      const newline = chunk.indexOf('\n', from);
      const piece = newline < 0 ? chunk.slice(from) : chunk.slice(from, newline);
      this.pieces.push(piece);
      this.length += piece.length;
      if (newline < 0) return this.length <= LONGEST_LINE;
      const line = this.pieces.join('');
      this.pieces = [];
      this.length = 0;
      from = newline + 1;
      this.onLine(line);
    }
  }
}
