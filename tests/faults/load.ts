import type { Lab, LabProcess } from '@portcullis/testkit';

export interface LoadOptions {
  /** The client; default: the bystander. */
  readonly role?: 'attacker' | 'bystander';
  /** The server as the client knows it; default: over IPv4. */
  readonly host?: string;
  /** Milliseconds that an answer is waited for. */
  readonly patience?: number;
}

/** One request of the load: a connection of its own. */
export interface LoadRequest {
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly milliseconds: number;
  readonly answered: boolean;
}

const INTERVAL = 20;
/** Shorter than the second after which a lost SYN is sent again: an answer tells that nothing was lost. */
const PATIENCE = 400;

const CLIENT = `
const { connect } = require('node:net');
const [host, port, patience] = process.argv.slice(1);
let number = 0;
const starting = setInterval(() => {
  const started = Date.now();
  const socket = connect({ host, port: Number(port) });
  let answer = '';
  let told = false;
  const tell = (answered) => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    socket.resetAndDestroy();
    console.log(started + ' ' + (Date.now() - started) + ' ' + Number(answered));
  };
  const timer = setTimeout(() => tell(false), Number(patience));
  socket.setEncoding('latin1');
  socket.on('error', () => tell(false));
  socket.on('connect', () => socket.write('GET /load-' + ++number + ' HTTP/1.1\\r\\nHost: load\\r\\n\\r\\n'));
  socket.on('data', (text) => {
    answer += text;
    if (answer.includes('\\r\\n\\r\\n')) tell(true);
  });
}, ${INTERVAL});
process.stdin.on('end', () => clearInterval(starting)).resume();
`;

/** Ordinary clients beside the fault: fifty new connections a second, each with a request. */
export class Load {
  private constructor(private readonly client: LabProcess) {}

  static start(lab: Lab, port: number, options: LoadOptions = {}): Load {
    const { role = 'bystander', host = lab.target(4, role), patience = PATIENCE } = options;
    return new Load(lab.spawn(role, [process.execPath, '-e', CLIENT, host, String(port), String(patience)]));
  }

  /** Begins no more requests, and waits for those that are on their way. @returns all there were */
  async finish(): Promise<LoadRequest[]> {
    this.client.endInput();
    await this.client.exited;
    return this.since(0);
  }

  /** Requests that began at or after a moment and are over. */
  since(moment: number): LoadRequest[] {
    const requests: LoadRequest[] = [];
    // The newest are at the end, and there may be very many.
    const { stdout } = this.client;
    for (let end = stdout.lastIndexOf('\n'); end > 0; ) {
      const begin = stdout.lastIndexOf('\n', end - 1);
      const line = stdout.slice(begin + 1, end);
      end = begin;
      const [started, milliseconds, answered] = line.split(' ').map(Number);
      if ((started as number) < moment - 2 * PATIENCE) break;
      if ((started as number) >= moment)
        requests.push({
          started: started as number,
          milliseconds: milliseconds as number,
          answered: answered === 1,
        });
    }
    return requests.sort((a, b) => a.started - b.started);
  }

  stop(): void {
    this.client.destroy();
  }
}
