/** Labs with an attacker in user space and an application on a kernel of its own, with and without an engine between. */
import { Lab } from '@portcullis/testkit';
import { LabEngine } from '../lab/engine';
import { RawClients } from './raw-client';
import type { Way } from './trial';

/** Addresses of the attacker's network that no host has. */
const SOURCES = { 4: '10.77.1.200', 6: 'fd00:77:1::200' } as const;

export interface WayOptions {
  readonly family: 4 | 6;
  /** What the application is: see `Lab.tcpServer`. */
  readonly kind: 'sink' | 'web';
  readonly port: number;
  /** Without, there is no engine. */
  readonly rules?: string;
}

/** Opens ways and takes them down again. */
export class Ways {
  private readonly labs: Lab[] = [];
  private readonly engines: LabEngine[] = [];

  async open({ family, kind, port, rules }: WayOptions): Promise<Way> {
    const lab = new Lab('pcev');
    this.labs.push(lab);
    const server = await lab.tcpServer('server', port, { kind });
    if (rules !== undefined) {
      const engine = new LabEngine(lab, {
        rules,
        settings: {
          'action-on-detect': 'drop',
          'block-attacking-hosts': 'false',
          'nfqueue.fail-open': 'false',
        },
      });
      this.engines.push(engine);
      await engine.start();
    }
    const source = SOURCES[family];
    return { lab, clients: await RawClients.open(lab, source, family, port), server, source };
  }

  /** One without an engine and one with it. */
  async pair(options: WayOptions & { rules: string }): Promise<{ plain: Way; engine: Way }> {
    const { rules, ...without } = options;
    return { plain: await this.open(without), engine: await this.open({ ...without, rules }) };
  }

  async close(): Promise<void> {
    const engines = this.engines.splice(0);
    for (const engine of engines) if (engine.process?.running) await engine.stop();
    for (const lab of this.labs.splice(0)) lab.destroy();
    for (const engine of engines) engine.remove();
  }
}
