/** Very many clients at once, and their server, beside the kernels of a lab's ends: what floods are made of. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConversationPacket,
  endHardware,
  gatewayHardware,
  type Lab,
  type LabProcess,
} from '@portcullis/testkit';

/** Of the clients; nothing else in the lab has such addresses. */
export const CROWD_NETWORK = { 4: '10.96.0.0/11', 6: 'fd00:96::/64' } as const;
export const FIRST_CLIENT = { 4: '10.96.0.1', 6: 'fd00:96::1' } as const;
/** A server that no kernel answers for, behind the gateway where the lab's own is. */
export const SILENT_SERVER = { 4: '10.77.2.200', 6: 'fd00:77:2::200' } as const;

export interface CrowdOptions {
  /** How many clients play the conversation. */
  readonly flows: number;
  /** The first one's number: the same numbers are the same clients. */
  readonly first?: number;
  /** Clients that send a packet before any of them sends the next one. */
  readonly together?: number;
  /** Addresses that the clients share. */
  readonly addresses?: number;
  /** Packets a second. */
  readonly rate?: number;
  /** Again and again for so long. */
  readonly seconds?: number;
  /** Milliseconds for packets that do not arrive. */
  readonly patience?: number;
}

/** What a crowd has sent, and what of it came to the other end. */
export interface CrowdResult {
  clients: number;
  sent: number;
  arrived: number;
  seconds: number;
}

/** Compiles the program; null where there is no compiler. */
export class CrowdProgram {
  private constructor(
    private readonly folder: string,
    readonly path: string,
  ) {}

  static build(): CrowdProgram | null {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-crowd-'));
    const path = join(folder, 'many-clients');
    const { status } = spawnSync('cc', ['-O2', '-o', path, join(__dirname, 'many-clients.c')]);
    if (status === 0) return new CrowdProgram(folder, path);
    rmSync(folder, { recursive: true, force: true });
    return null;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Crowd {
  private constructor(
    private readonly program: CrowdProgram,
    private readonly lab: Lab,
  ) {}

  /** Routes the crowd's network to the attacker's side, and the silent server's address to the server's. */
  static async open(program: CrowdProgram, lab: Lab): Promise<Crowd> {
    const commands: string[][] = [];
    for (const family of [4, 6] as const) {
      const device = lab.gatewayInterface('attacker');
      const via = lab.address('attacker', family);
      commands.push(['route', 'add', CROWD_NETWORK[family], 'via', via, 'dev', device]);
      const server = ['neigh', 'replace', SILENT_SERVER[family], 'lladdr', endHardware('server')];
      commands.push([...server, 'nud', 'permanent', 'dev', lab.gatewayInterface('server')]);
    }
    for (const command of commands) await lab.run('gateway', ['ip', ...command]);
    return new Crowd(program, lab);
  }

  /** Begins to play; the packets' client addresses have to be the first client's. */
  start(packets: readonly ConversationPacket[], options: CrowdOptions): CrowdRun {
    const { attacker, server } = this.lab.namespaces;
    const argv = [this.program.path, attacker as string, server as string];
    for (const [name, value] of Object.entries(options)) argv.push(`--${name}`, String(value));
    return new CrowdRun(this.lab.spawn('attacker', argv, { input: Buffer.concat(packets.map(framed)) }));
  }

  play(packets: readonly ConversationPacket[], options: CrowdOptions): Promise<CrowdResult> {
    return this.start(packets, options).result();
  }
}

/** A crowd that plays. */
export class CrowdRun {
  constructor(private readonly process: LabProcess) {}

  /** Ends it before its time. */
  stop(): void {
    this.process.kill('SIGTERM');
  }

  async result(): Promise<CrowdResult> {
    const { code, stdout, stderr } = await this.process.exited;
    if (code !== 0) throw new Error(`many-clients ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as CrowdResult;
  }
}

/** As the program reads it: side, length, Ethernet frame. */
function framed({ from: side, bytes }: ConversationPacket): Buffer {
  const role = side === 'client' ? 'attacker' : 'server';
  const type = (bytes[0] as number) >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00];
  const hardware = (text: string) => text.split(':').map((part) => Number.parseInt(part, 16));
  const frame = Buffer.from([
    ...hardware(gatewayHardware(role)),
    ...hardware(endHardware(role)),
    ...type,
    ...bytes,
  ]);
  const head = Buffer.alloc(5);
  head[0] = Number(side === 'server');
  head.writeUInt32BE(frame.length, 1);
  return Buffer.concat([head, frame]);
}
