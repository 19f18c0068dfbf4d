import type { Direction } from '../transaction';

/** What the control connection tells of a data connection. */
export interface FtpDataNote {
  /** Command that led to it, in capitals: `RETR`, `STOR`, `LIST`. */
  readonly command: string;
  readonly fileName: Uint8Array | null;
  /** Direction of the data in the data connection. */
  readonly direction: Direction;
}
