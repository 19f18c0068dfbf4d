/** Mixed load on the gateway of a lab, each kind with counts of its own. */
import { type Lab, waitUntil } from '@portcullis/testkit';

/** What the parts of a load have counted. */
export interface Counts {
  /** Requests of honest clients, and those that were answered. */
  requests: number;
  answered: number;
  /** Requests on connections that stay. */
  kept: number;
  datagrams: number;
  echoed: number;
  /** Connections with an attack, from addresses that were not banned when they began. */
  attacks: number;
  /** Connections that a banned device could not open. */
  shutOut: number;
  reloads: number;
  bansByHand: number;
}

export const noCounts = (): Counts => ({
  requests: 0,
  answered: 0,
  kept: 0,
  datagrams: 0,
  echoed: 0,
  attacks: 0,
  shutOut: 0,
  reloads: 0,
  bansByHand: 0,
});

const TIMEOUT = 10_000;
const RESPONSE = /HTTP\/1\.1 200 OK/g;

export class Load {
  readonly counts = noCounts();
  readonly problems: string[] = [];
  private ended = false;

  constructor(
    private readonly lab: Lab,
    private readonly ports: { readonly web: number; readonly echo: number },
  ) {}

  end(): void {
    this.ended = true;
  }

  /** Repeats something until the load ends. */
  async repeat(once: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; !this.ended; turn++) await once(turn);
  }

  /** A request on a connection of its own. */
  async request(turn: number): Promise<void> {
    this.counts.requests++;
    const family = turn % 2 === 0 ? 4 : 6;
    const result = await this.lab.httpGet('bystander', `/page/${turn}?q=${'x'.repeat(turn % 900)}`, {
      host: this.lab.address('server', family),
      port: this.ports.web,
      timeout: TIMEOUT,
    });
    if (result.complete) this.counts.answered++;
    else this.problems.push(`request ${turn} over IPv${family}: ${result.state}`);
  }

  /** Some requests on one connection. */
  async keepAlive(turn: number): Promise<void> {
    const connection = await this.lab.connect('bystander', { port: this.ports.web, timeout: TIMEOUT });
    const many = 2 + (turn % 20);
    for (let each = 1; each <= many; each++) {
      this.counts.requests++;
      this.counts.kept++;
      const body = 'b'.repeat((turn * each) % 5000);
      const fields = ['Host: a', 'Content-Type: text/plain', `Content-Length: ${body.length}`];
      await connection.write(`POST /kept/${turn} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`);
      const answered = await waitUntil(
        async () => {
          const text = Buffer.from((await connection.state()).received).toString('latin1');
          return (text.match(RESPONSE)?.length ?? 0) >= each;
        },
        { timeout: TIMEOUT, what: 'the answer' },
      ).catch(() => false);
      if (answered) this.counts.answered++;
      else this.problems.push(`request ${each} of connection ${turn}`);
    }
    await connection.end();
  }

  async datagram(turn: number): Promise<void> {
    this.counts.datagrams++;
    const payload = `datagram ${turn}`;
    const answer = await this.lab.udpRequest('bystander', {
      port: this.ports.echo,
      payload,
      timeout: TIMEOUT,
    });
    if (answer !== null && Buffer.from(answer).toString() === payload) this.counts.echoed++;
    else this.problems.push(payload);
  }

  /** @param source an address of the attacker's that may be banned */
  async attack(path: string, source: string): Promise<boolean> {
    const result = await this.lab.httpGet('attacker', path, {
      port: this.ports.web,
      localAddress: source,
      timeout: 700,
    });
    if (result.connected) this.counts.attacks++;
    else this.counts.shutOut++;
    return result.connected;
  }
}
