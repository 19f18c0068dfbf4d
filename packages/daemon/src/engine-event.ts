import { type EveRecord, eveTimestamp } from '@portcullis/events';

/** An event about the engine itself. @param code for scripts: `BAN_FLOOD` */
export function engineEvent(code: string, message: string): EveRecord {
  return {
    timestamp: eveTimestamp(Date.now() * 1000),
    event_type: 'engine',
    engine: { error_code: code, message },
  };
}
