import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alertRecord, type FailedRuleSummary, Replay, ruleClasses } from '@portcullis/engine';
import { corporaPath } from '../corpora';
import {
  ADDRESS_GROUPS,
  type AlertGroup,
  CLASSES_FILE,
  PORT_GROUPS,
  RULES_FILE,
  referenceCapturePath,
} from './reference';

/** What the engine found in one capture: plain data that crosses processes. */
export interface CaptureFindings {
  readonly pcap: string;
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly alerts: readonly AlertGroup[];
  readonly error: string | null;
}

/** What the rules came to. */
export interface RulesLoaded {
  readonly loaded: number;
  readonly failed: readonly FailedRuleSummary[];
  readonly seconds: number;
}

/** Compiled patterns are kept from run to run, where the packages are. */
function cacheDirectory(): string | null {
  const modules = join(__dirname, '../../../node_modules');
  return existsSync(modules) ? join(modules, '.cache', 'portcullis-conformance') : null;
}

/** The engine as the reference ran, with its rules. */
export class ReferenceReplay {
  private constructor(private readonly replay: Replay) {}

  static async load(): Promise<ReferenceReplay> {
    const path = corporaPath(RULES_FILE);
    const replay = await Replay.load({
      rules: {
        files: [{ path, text: readFileSync(path, 'latin1') }],
        classification: readFileSync(corporaPath(CLASSES_FILE), 'latin1'),
        addressGroups: ADDRESS_GROUPS,
        portGroups: PORT_GROUPS,
        cacheDirectory: cacheDirectory(),
      },
      stream: {},
      inline: false,
      decodePolicy: 'open',
      checksums: 'ignore',
      protocols: { http: { lzma: false } },
    });
    return new ReferenceReplay(replay);
  }

  get rules(): RulesLoaded {
    const { loaded, failed, seconds } = this.replay.rules;
    return { loaded, failed, seconds };
  }

  find(pcap: string): CaptureFindings {
    const groups = new Map<string, AlertGroup>();
    const classes = ruleClasses({ classification: null } as Parameters<typeof ruleClasses>[0]);
    try {
      const { packets, bytes, seconds, error } = this.replay.file(referenceCapturePath(pcap), (detection) => {
        const record = alertRecord(detection, { classes, mode: 'replay' });
        const group: AlertGroup = {
          sid: detection.rule.sid,
          proto: record.proto ?? '',
          src: record.src_ip ?? '',
          sport: record.src_port ?? null,
          dst: record.dest_ip ?? '',
          dport: record.dest_port ?? null,
          app_proto: record.app_proto ?? null,
          n: 1,
        };
        const key = tupleKey(group);
        const known = groups.get(key);
        groups.set(key, known === undefined ? group : { ...known, n: known.n + 1 });
      });
      return { pcap, packets, bytes, seconds, error, alerts: [...groups.values()] };
    } catch (error) {
      const { message } = error as Error;
      return { pcap, packets: 0, bytes: 0, seconds: 0, error: message, alerts: [] };
    }
  }
}

/** Sid and 5-tuple, as a key. */
export function tupleKey({ sid, proto, src, sport, dst, dport }: AlertGroup): string {
  return `${sid} ${proto} ${src} ${sport ?? ''} ${dst} ${dport ?? ''}`;
}
