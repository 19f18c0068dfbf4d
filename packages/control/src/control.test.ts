import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askEngine } from './client';
import { ControlError } from './protocol';
import { ControlServer } from './server';

let directory: string;
let path: string;
let server: ControlServer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'control-'));
  path = join(directory, 'control.sock');
  server = new ControlServer(path, {
    double: (args) => Number(args.n) * 2,
    refuse: () => {
      throw new ControlError('NOT_SO', 'it is not so');
    },
  });
  await server.listen();
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

test('a question is answered', async () => {
  await expect(askEngine(path, 'double', { n: 21 })).resolves.toBe(42);
});

test('only the owner can open the socket', () => {
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

const other = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
(other ? test : test.skip)('another user is refused by the kernel (needs root and setpriv)', async () => {
  // The folder lets everybody pass: it is the socket itself that does not.
  chmodSync(directory, 0o755);
  const connecting = `require('node:net').connect(${JSON.stringify(path)})
    .on('connect', () => console.log('connected')).on('error', ({ code }) => console.log(code))`;
  const as = (user: string) =>
    new Promise<string>((resolve) => {
      const words = [
        `--reuid=${user}`,
        '--clear-groups',
        process.execPath,
        '-e',
        `${connecting}.on('connect', process.exit)`,
      ];
      execFile('setpriv', words, (_error, output) => resolve(output.trim()));
    });
  expect(await as('65534')).toBe('EACCES');
  expect(await as('0')).toBe('connected');
});

test.each([
  ['refuse', 'NOT_SO'],
  ['toString', 'UNKNOWN_COMMAND'],
  ['', 'UNKNOWN_COMMAND'],
])('%p is answered with the code %s', async (command, code) => {
  await expect(askEngine(path, command)).rejects.toMatchObject({ code });
});

test('what is no JSON gets an answer, and the next line too', async () => {
  const lines = await new Promise<string>((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.split('\n').length > 2) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.write('}{\n{"command":"double","arguments":{"n":1}}\n');
  });
  const replies = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(replies[0].ok).toBe(false);
  expect(replies[1]).toEqual({ ok: true, data: 2 });
});

test('a client that sends requests without end is cut off, and the next one is served', async () => {
  const cut = await new Promise<string>((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.write('\n'.repeat(100_000));
  });
  expect(cut.split('\n').length).toBeLessThan(200);
  await expect(askEngine(path, 'double', { n: 21 })).resolves.toBe(42);
});

test('a hundred requests at once are answered in their order', async () => {
  const answers = await new Promise<string[]>((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.split('\n').length > 100) socket.destroy();
    });
    socket.on('close', () => resolve(text.trim().split('\n')));
    for (let n = 0; n < 100; n++) socket.write(`{"command":"double","arguments":{"n":${n}}}\n`);
  });
  expect(answers.map((line) => JSON.parse(line).data)).toEqual(Array.from({ length: 100 }, (_, n) => 2 * n));
});

test('a second engine is refused, a dead one is replaced', async () => {
  await expect(new ControlServer(path, {}).listen()).rejects.toMatchObject({ code: 'ENGINE_RUNNING' });
  await server.close();
  await expect(askEngine(path, 'double')).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  server = new ControlServer(path, {});
  await server.listen();
});

test('a file that is no socket is left alone', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, 'precious');
  await expect(new ControlServer(file, {}).listen()).rejects.toMatchObject({ code: 'SOCKET_PATH' });
});
