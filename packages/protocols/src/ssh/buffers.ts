import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.ssh;

/** Progress of each direction of a connection. */
export const SshProgress = { STARTED: 0, BANNER: 1, KEY_EXCHANGE: 2, FINISHED: 3 } as const;

export const SshBuffer = {
  PROTO: FIRST,
  SOFTWARE: FIRST + 1,
  HASSH: FIRST + 2,
  HASSH_STRING: FIRST + 3,
  HASSH_SERVER: FIRST + 4,
  HASSH_SERVER_STRING: FIRST + 5,
} as const;

const B = SshBuffer;
const P = SshProgress;
const CLIENT = [Direction.TO_SERVER];
const SERVER = [Direction.TO_CLIENT];

function row(name: string, id: number, directions: readonly Direction[], progress: number): BufferDefinition {
  return { name, id, protocol: 'ssh', directions, progress, streaming: false, multiple: false };
}

export const SSH_BUFFERS: readonly BufferDefinition[] = [
  row('ssh.proto', B.PROTO, [...CLIENT, ...SERVER], P.BANNER),
  row('ssh.software', B.SOFTWARE, [...CLIENT, ...SERVER], P.BANNER),
  row('ssh.hassh', B.HASSH, CLIENT, P.KEY_EXCHANGE),
  row('ssh.hassh.string', B.HASSH_STRING, CLIENT, P.KEY_EXCHANGE),
  row('ssh.hassh.server', B.HASSH_SERVER, SERVER, P.KEY_EXCHANGE),
  row('ssh.hassh.server.string', B.HASSH_SERVER_STRING, SERVER, P.KEY_EXCHANGE),
];

export const SshEvent = {
  INVALID_BANNER: 'ssh.invalid_banner',
  LONG_BANNER: 'ssh.long_banner',
  INVALID_RECORD: 'ssh.invalid_record',
  LONG_KEX_RECORD: 'ssh.long_kex_record',
} as const;
