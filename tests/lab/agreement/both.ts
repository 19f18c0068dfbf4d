/** Has the same captures inspected twice: live, by an engine on a gateway, and by `portcullis replay`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusAnswer } from '@portcullis/control';
import type { EveRecord } from '@portcullis/events';
import { Lab, waitUntil } from '@portcullis/testkit';
import { command, LabEngine } from '../engine';

/** For both. One queue keeps all packets in order; nobody is banned and nothing offloaded, so that all is seen. */
const SETTINGS: Readonly<Record<string, string>> = {
  'protect.host': 'no',
  // Nobody's address: what is protected decides on actions, which a replay knows nothing of.
  'protect.networks': '[192.0.2.255/32]',
  'scan.direction': 'both',
  'vars.address-groups': '{ HOME_NET: any, EXTERNAL_NET: any }',
  'nfqueue.queues': '0',
  'block-attacking-hosts': 'no',
  'stream.bypass': 'no',
  // Captures that begin within a connection are not told by a reset.
  'on-enable': 'adopt',
  'stream.midstream': 'no',
  'stream.async-oneside': 'no',
};

/** Milliseconds. A packet that the engine drops is waited for in vain. */
const PATIENCE = 3;
const LOADING_MILLISECONDS = 60_000;

export interface BothResults {
  readonly live: readonly EveRecord[];
  /** Records of `portcullis replay`; `pcap_filename` says of which capture. */
  readonly replay: readonly EveRecord[];
  /** Packets put on the wire, forwarded to the engine's chains, and inspected. */
  readonly sent: number;
  readonly forwarded: number;
  readonly inspected: number;
  /** Errors that the engine told, such as a lost worker, whose flows are lost with it. */
  readonly complaints: readonly string[];
  readonly seconds: { readonly loading: number; readonly playing: number };
}

export interface BothCaptures {
  readonly rules: readonly string[];
  readonly played: readonly string[];
  readonly replayed: readonly string[];
}

export async function inspectBothWays({ rules, played, replayed }: BothCaptures): Promise<BothResults> {
  const lab = new Lab('pcta', { replay: true });
  const engine = new LabEngine(lab, { ruleFiles: rules, settings: SETTINGS });
  try {
    const begun = Date.now();
    const [replay] = await Promise.all([replayCommand(lab, engine, replayed), engine.start()]);
    const loaded = Date.now();
    let sent = 0;
    for (const capture of played) sent += (await lab.replayBothWays(capture, { patience: PATIENCE })).sent;
    const inspected = await everythingInspected(engine);
    const forwarded = await packetsForwarded(lab);
    await engine.stop();
    const said = `${engine.process.stdout}\n${engine.process.stderr}`.split('\n');
    return {
      live: engine.events('alert'),
      replay,
      sent,
      forwarded,
      inspected,
      complaints: said.filter((line) => line.includes('error:')),
      seconds: { loading: (loaded - begun) / 1000, playing: (Date.now() - loaded) / 1000 },
    };
  } finally {
    lab.destroy();
    engine.remove();
  }
}

async function replayCommand(lab: Lab, engine: LabEngine, captures: readonly string[]): Promise<EveRecord[]> {
  const eve = join(engine.directory, 'replay.json');
  const set = Object.entries(SETTINGS).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const argv = ['replay', '--inline', '--config', engine.configuration, ...set, '--eve', eve, ...captures];
  await lab.run('gateway', [process.execPath, command, ...argv], { timeout: LOADING_MILLISECONDS });
  const lines = readFileSync(eve, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as EveRecord);
}

/** Waits until the engine has taken every packet that was queued for it. @returns how many those are */
async function everythingInspected(engine: LabEngine): Promise<number> {
  let last: StatusAnswer | undefined;
  const taken = async () => {
    last = await engine.status();
    return last.packets.uninspected === 0 && last.queues.every(({ waiting }) => waiting === 0);
  };
  const what = 'the engine to take every queued packet';
  await waitUntil(taken, { timeout: 15_000, what }).catch((error: Error) => {
    const { stdout, stderr } = engine.process;
    throw new Error(
      `${error.message}\n${JSON.stringify(last)}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`,
    );
  });
  return (last as StatusAnswer).packets.received;
}

/** Packets that came as far as the administrator's chain, which is entered without a condition before the engine's. */
async function packetsForwarded(lab: Lab): Promise<number> {
  let packets = 0;
  for (const tool of ['iptables', 'ip6tables']) {
    const table = await lab.run('gateway', [tool, '-w', '-t', 'mangle', '-nvxL', 'FORWARD']);
    packets += Number(/^\s*(\d+)\s+\d+\s+portcullis_bypass/m.exec(table)?.[1] ?? 0);
  }
  return packets;
}
