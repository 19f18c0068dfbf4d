/** What share each stage has of inspecting a capture: the same capture, each time with one stage more. */
import { CaptureFileSource, PacketInfo } from '@portcullis/capture';
import { Replay, type ReplayOptions } from '@portcullis/engine';
import { StreamAction, TcpReassembler } from '@portcullis/reassembly';
import { DecodeStatus, IpProtocol, PacketView } from '@portcullis/wire';
import { median } from './figures';

/** As in a replay. */
const FLOWS = 65_536;
const TICK_MICROS = 10_000;
const TICKS_PER_SWEEP = 200;

interface Stage {
  readonly name: string;
  run(): void;
}

/** Gives each packet that decodes to `each`. */
function packets(path: string, each: ((view: PacketView, time: number) => void) | null): void {
  const source = new CaptureFileSource(path);
  const { batch } = source;
  const view = new PacketView();
  view.acceptsMapped = true;
  for (let count = source.receive(0); count >= 0; count = source.receive(0)) {
    for (let place = 0; each !== null && place < count; place++) {
      if (((batch.info[place] as number) & PacketInfo.NOT_IP) !== 0) continue;
      const start = batch.offset[place] as number;
      const status = view.decode(batch.bytes, start, start + (batch.length[place] as number));
      if (status === DecodeStatus.OK) each(view, batch.time[place] as number);
    }
    source.finalize();
  }
  source.close();
}

function reassemble(path: string, memcap: number, depth: number): void {
  const reassembler = new TcpReassembler(
    { maxFlows: FLOWS, trackOutside: true, unanswered: 'leave', inline: false, memcap, depth },
    {
      flowStarted() {},
      data: () => StreamAction.CONTINUE,
      gap() {},
      ended() {},
      flowEnded() {},
    },
  );
  let nextTick = 0;
  packets(path, (view, time) => {
    if (time >= nextTick) {
      nextTick = time + TICK_MICROS;
      reassembler.tick(time, Math.ceil(reassembler.table.slots / TICKS_PER_SWEEP));
    }
    if (view.moreFragments || view.fragmentOffset > 0) return;
    if (view.protocol === IpProtocol.TCP && view.tcpHeaderLength > 0) reassembler.process(view, time, 0);
    else if (view.protocol === IpProtocol.UDP) reassembler.processDatagram(view, time);
  });
  reassembler.close();
}

/**
 * Prints milliseconds of processor time for a capture, stage by stage; rounds of all stages in turn.
 * @param all with the rules that are measured
 */
export async function printStages(
  path: string,
  options: ReplayOptions,
  all: Replay,
  rounds: number,
): Promise<void> {
  const bare = await Replay.load({ ...options, rules: { ...options.rules, files: [] } });
  const { memcap = 1 << 28, depth = 1 << 20 } = options.stream;
  const stages: Stage[] = [
    { name: 'reading the capture', run: () => packets(path, null) },
    { name: 'and decoding headers', run: () => packets(path, () => {}) },
    { name: 'and flows, reassembly', run: () => reassemble(path, memcap, depth) },
    { name: 'and parsers (no rules)', run: () => bare.file(path, () => {}) },
    { name: 'and all rules', run: () => all.file(path, () => {}) },
  ];
  const taken = stages.map(() => [] as number[]);
  // The first two rounds are those in which code is compiled and rules are made.
  for (let round = -2; round < rounds; round++) {
    for (const [place, stage] of stages.entries()) {
      const before = process.cpuUsage();
      stage.run();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) taken[place]?.push((user + system) / 1000);
    }
  }
  let least = 0;
  let middle = 0;
  for (const [place, stage] of stages.entries()) {
    const times = taken[place] as number[];
    const [low, half] = [Math.min(...times), median(times)];
    process.stdout.write(
      `${stage.name.padEnd(24)} ${Math.round(low)} ms at least (${Math.round(low - least)} more), ` +
        `${Math.round(half)} ms in the middle (${Math.round(half - middle)} more)\n`,
    );
    least = low;
    middle = half;
  }
}
