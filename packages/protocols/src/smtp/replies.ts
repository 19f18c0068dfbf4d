/** Replies of a server (RFC 5321 section 4.2), and the commands that wait for them. */

import { Command } from './commands';
import { PENDING_COMMANDS } from './limits';

const DASH = 0x2d;
const NO_COMMANDS = new Uint8Array(0);

/** @returns the code of a reply line, -1 where it has none that SMTP knows of */
export function replyCode(line: Uint8Array, start: number, end: number): number {
  if (end - start < 3) return -1;
  const first = line[start] - 0x30;
  const second = line[start + 1] - 0x30;
  const third = line[start + 2] - 0x30;
  if (first < 2 || first > 5 || second < 0 || second > 5 || third < 0 || third > 9) return -1;
  return first * 100 + second * 10 + third;
}

/** Whether further lines of the reply follow this one. */
export function isContinued(line: Uint8Array, start: number, end: number): boolean {
  return end - start >= 4 && line[start + 3] === DASH;
}

/** Commands that wait for their reply, oldest first. */
export class PendingCommands {
  private queue = NO_COMMANDS;
  private first = 0;
  private count = 0;

  get empty(): boolean {
    return this.count === 0;
  }

  /** The command that the next reply is for. */
  get oldest(): Command {
    return (this.count === 0 ? Command.OTHER : this.queue[this.first]) as Command;
  }

  get youngest(): Command {
    return (
      this.count === 0 ? Command.OTHER : this.queue[(this.first + this.count - 1) % this.queue.length]
    ) as Command;
  }

  add(command: Command): void {
    if (this.count === this.queue.length && !this.grow()) return;
    this.queue[(this.first + this.count++) % this.queue.length] = command;
  }

  /** The oldest has its reply. */
  shift(): void {
    if (this.count === 0) return;
    this.first = (this.first + 1) % this.queue.length;
    if (--this.count === 0) this.clear();
  }

  clear(): void {
    this.first = 0;
    this.count = 0;
    this.queue = NO_COMMANDS;
  }

  heldBytes(): number {
    return this.queue.length;
  }

  private grow(): boolean {
    if (this.count >= PENDING_COMMANDS) return false;
    const larger = new Uint8Array(Math.min(PENDING_COMMANDS, Math.max(8, this.count * 4)));
    for (let i = 0; i < this.count; i++) larger[i] = this.queue[(this.first + i) % this.queue.length];
    this.queue = larger;
    this.first = 0;
    return true;
  }
}
