import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer } from '@portcullis/control';
import { decodeRecords, encodeRecords } from '../records';
import { claim, type FuzzTarget } from '../target';

const SEEDS = [
  ['{"command":"double","arguments":{"n":2}}\n'],
  ['{"command":"dou', 'ble"}\n{}\n', '\n[]\nnull\n"x"\n'],
  ['{"command":"__proto__","arguments":null}\n{"command":7}\n'],
];

/** So many requests at once are answered, whatever they are; a client that sends more may be cut off. */
const ANSWERED_AT_ONCE = 100;

/** What a client writes, in pieces; every line gets one answer, in order, and the next client is served. */
function exchange(path: string, pieces: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    const lines = Buffer.concat(pieces).reduce((count, byte) => count + Number(byte === 0x0a), 0);
    let answered = 0;
    socket.on('data', (chunk: string) => {
      answered += chunk.split('\n').length - 1;
      if (answered >= lines) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    // One that is cut off is still writing.
    socket.on('error', (error) => (lines > ANSWERED_AT_ONCE ? resolve(text) : reject(error)));
    socket.on('close', () => resolve(text));
    for (const piece of pieces) socket.write(piece);
    if (lines === 0) socket.end(() => socket.destroy());
  });
}

export function controlSocketTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'control/socket',
      shape: 'records',
      weight: 0.05,
      tokens: [
        '{"command":"double","arguments":{"n":1}}\n',
        '"command"',
        '"arguments"',
        '__proto__',
        'constructor',
        '\n',
      ],
      seeds: () =>
        SEEDS.map((pieces) => encodeRecords(pieces.map((text) => ({ kind: 0, bytes: Buffer.from(text) })))),
      start: async () => {
        const folder = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
        const path = join(folder, 'control.sock');
        const server = new ControlServer(path, {
          double: (args) => Number(args.n) * 2,
          later: (args) => Promise.resolve(args),
        });
        await server.listen();
        return {
          run: async (input) => {
            const pieces = decodeRecords(input).map(({ bytes }) => bytes);
            const lines = Buffer.concat(pieces).toString('utf8').split('\n').length - 1;
            const answers = (await exchange(path, pieces)).split('\n').slice(0, -1);
            const cut = lines > ANSWERED_AT_ONCE && answers.length < lines;
            claim(cut || answers.length === lines, `${answers.length} answers to ${lines} lines`);
            for (const answer of answers) {
              const { ok, code } = JSON.parse(answer) as { ok: unknown; code?: unknown };
              claim(ok === true || (ok === false && typeof code === 'string'), 'an answer that is neither');
            }
          },
          close: async () => {
            await server.close();
            rmSync(folder, { recursive: true });
          },
        };
      },
    },
  ];
}
