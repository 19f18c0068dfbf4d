/**
 * The first line of the file of settings says what follows it: a file that was cut or changed may still be YAML, and would
 * be taken for what somebody has set.
 */
import { createHash } from 'node:crypto';

const LINE = /^# sha256 ([0-9a-f]{64}) [^\n]*\n/;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function withDigest(text: string): string {
  const said = withoutDigest(text);
  return `# sha256 ${digestOf(said)} of what follows, written by 'portcullis config'\n${said}`;
}

export function withoutDigest(text: string): string {
  return text.replace(LINE, '');
}

/** Whether it is as it was written; without a line that says so it is not. */
export function isAsWritten(text: string): boolean {
  return LINE.exec(text)?.[1] === digestOf(withoutDigest(text));
}
