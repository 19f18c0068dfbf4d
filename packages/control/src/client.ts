import { connect } from 'node:net';
import { ControlError, type ControlReply, LineReader } from './protocol';

const ANSWER_MILLISECONDS = 60_000;

/**
 * Asks the engine one thing.
 * @throws ControlError ENGINE_UNREACHABLE, PERMISSION, or the engine's own code
 */
export async function askEngine(
  socketPath: string,
  command: string,
  args: Record<string, unknown> = {},
): Promise<unknown> {
  const reply = await new Promise<ControlReply>((resolve, reject) => {
    const socket = connect(socketPath);
    const finish = (action: () => void) => {
      socket.destroy();
      action();
    };
    const unreachable = (reason: string) =>
      finish(() =>
        reject(
          new ControlError('ENGINE_UNREACHABLE', `the engine does not answer on ${socketPath}: ${reason}`),
        ),
      );
    const reader = new LineReader((line) => {
      finish(() => {
        try {
          resolve(JSON.parse(line) as ControlReply);
        } catch {
          reject(new ControlError('ENGINE_UNREACHABLE', `what answers on ${socketPath} is not the engine`));
        }
      });
    });
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_MILLISECONDS, () => unreachable('no answer'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'EPERM') {
        finish(() =>
          reject(new ControlError('PERMISSION', `${socketPath} can be opened by root only: use sudo`)),
        );
      } else if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
        unreachable("it is not running (start it with 'portcullis run')");
      } else {
        unreachable(error.message);
      }
    });
    socket.on('end', () => unreachable('it closed the connection'));
    socket.on('data', (chunk: string) => {
      if (!reader.push(chunk)) unreachable('its answer is too long');
    });
    socket.write(`${JSON.stringify({ command, arguments: args })}\n`);
  });
  if (!reply.ok) throw new ControlError(reply.code, reply.message);
  return reply.data;
}
