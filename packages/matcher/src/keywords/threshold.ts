import type { RuleOption } from '@portcullis/rules';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, integer, invalid } from '../option-value';
import type { PeriodThreshold, ThresholdSettings, ThresholdTrack } from '../threshold-table';

const TYPES: readonly string[] = ['limit', 'threshold', 'both', 'backoff'];
const TRACKS: readonly string[] = ['by_src', 'by_dst', 'by_both', 'by_rule', 'by_flow'];
const PORTS: readonly string[] = ['src_port', 'dst_port'];
const MOST = 0xffffffff;
const MOST_THRESHOLDS = 4;
const TCP_AND_UDP: readonly string[] = ['tcp', 'tcp-pkt', 'tcp-stream', 'udp', 'sctp'];

/** The words of an option, each with its value, each at most once. */
class Words {
  private readonly given = new Map<string, Argument>();

  constructor(
    private readonly option: RuleOption,
    known: readonly string[],
  ) {
    for (const { text, index } of argumentsOf(option)) {
      const form = /^(\w+)\s+(\S+)$/.exec(text);
      if (!form) throw invalid(option, `"${text}" is not a word with a value`, index);
      if (!known.includes(form[1])) throw invalid(option, `unknown word "${form[1]}"`, index);
      if (this.given.has(form[1])) throw invalid(option, `"${form[1]}" stands twice`, index);
      this.given.set(form[1], { text: form[2], index: index + text.length - form[2].length });
    }
  }

  has(word: string): boolean {
    return this.given.has(word);
  }

  value(word: string): Argument {
    const argument = this.given.get(word);
    if (!argument) throw invalid(this.option, `needs "${word}"`);
    return argument;
  }

  number(word: string, minimum = 1): number {
    return integer(this.option, this.value(word), minimum, MOST);
  }

  oneOf(word: string, values: readonly string[], message: string): string {
    const { text, index } = this.value(word);
    if (!values.includes(text)) throw invalid(this.option, `${message} "${text}"`, index);
    return text;
  }
}

function trackOf(words: Words): ThresholdTrack {
  return words.oneOf('track', TRACKS, 'cannot track') as ThresholdTrack;
}

function thresholdSettings(option: RuleOption): ThresholdSettings {
  const words = new Words(option, ['type', 'track', 'count', 'seconds', 'multiplier']);
  const type = words.oneOf('type', TYPES, 'there is no type');
  const track = trackOf(words);
  const count = words.number('count');
  if (type === 'backoff') {
    if (words.has('seconds'))
      throw invalid(option, 'a backoff has no "seconds"', words.value('seconds').index);
    return { type, track, count, multiplier: words.number('multiplier', 2) };
  }
  if (words.has('multiplier')) {
    throw invalid(option, '"multiplier" is for type backoff', words.value('multiplier').index);
  }
  return {
    type: type as PeriodThreshold['type'],
    track,
    count,
    seconds: words.number('seconds'),
  };
}

/**
 * `threshold:type limit|threshold|both, track by_src|by_dst|by_both|by_rule|by_flow, count N, seconds T`,
 * `threshold:type backoff, track …, count N, multiplier M`
 */
export const threshold: Keyword = {
  names: ['threshold'],
  parse(option, rule) {
    if (rule.thresholds.length >= MOST_THRESHOLDS) throw invalid(option, 'stands too often in one rule');
    rule.thresholds.push(thresholdSettings(option));
  },
};

/** `detection_filter:track by_src|…, count N, seconds T[, unique_on src_port|dst_port]`: matches only above the rate. */
export const detectionFilter: Keyword = {
  names: ['detection_filter'],
  parse(option, rule) {
    if (rule.thresholds.some(({ type }) => type === 'detection_filter')) {
      throw invalid(option, 'stands twice in one rule');
    }
    const words = new Words(option, ['track', 'count', 'seconds', 'unique_on']);
    const uniqueOn = words.has('unique_on')
      ? (words.oneOf('unique_on', PORTS, 'cannot count') as 'src_port' | 'dst_port')
      : undefined;
    if (uniqueOn && !TCP_AND_UDP.includes(rule.rule.header.protocol)) {
      throw invalid(option, 'ports are counted for tcp, udp and sctp only', words.value('unique_on').index);
    }
    rule.thresholds.push({
      type: 'detection_filter',
      track: trackOf(words),
      count: words.number('count'),
      seconds: words.number('seconds'),
      ...(uniqueOn && { uniqueOn }),
    });
  },
};
