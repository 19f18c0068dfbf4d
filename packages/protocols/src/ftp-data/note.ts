import type { Direction } from '../transaction';

/** What the control connection tells of a data connection. */
export interface FtpDataNote {
  /** Command that led to it, in capitals: `RETR`, `STOR`, `LIST`. */
  readonly command: string;
  readonly fileName: Uint8Array | null;
  /** Direction of the data in the data connection. */
  readonly direction: Direction;
}

/** Direction, length of the command, whether there is a name. */
const HEADER = 3;

/** The note as bytes, which another thread may have to read: header, command, name. */
export function writeNote({ command, fileName, direction }: FtpDataNote): Uint8Array {
  const name = fileName ?? new Uint8Array(0);
  const bytes = new Uint8Array(HEADER + command.length + name.length);
  bytes.set([direction, command.length, fileName === null ? 0 : 1]);
  for (let i = 0; i < command.length; i++) bytes[HEADER + i] = command.charCodeAt(i);
  bytes.set(name, HEADER + command.length);
  return bytes;
}

/** @param bytes that `writeNote` has made */
export function readNote(bytes: Uint8Array): FtpDataNote {
  const [direction, commandLength, named] = bytes;
  const behind = HEADER + commandLength;
  return {
    command: String.fromCharCode(...bytes.subarray(HEADER, behind)),
    fileName: named === 0 ? null : bytes.subarray(behind),
    direction: direction === 0 ? 0 : 1,
  };
}
