import type { RuleOption } from '@portcullis/rules';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid } from '../option-value';
import type { ThresholdSettings, ThresholdTrack, ThresholdType } from '../threshold-table';

const TYPES: readonly string[] = ['limit', 'threshold', 'both'];
const TRACKS: readonly string[] = ['by_src', 'by_dst', 'by_both', 'by_rule', 'by_flow'];
const MOST = 0xffffffff;
const MOST_THRESHOLDS = 4;

function settings(option: RuleOption, typed: boolean): ThresholdSettings {
  let type: ThresholdType | undefined = typed ? undefined : 'detection_filter';
  let track: ThresholdTrack | undefined;
  let count: number | undefined;
  let seconds: number | undefined;
  for (const { text, index } of argumentsOf(option)) {
    const form = /^(\w+)\s+(\S+)$/.exec(text);
    if (!form) throw invalid(option, `"${text}" is not a word with a value`, index);
    const value = { text: form[2], index: index + text.length - form[2].length };
    const twice = () => invalid(option, `"${form[1]}" stands twice`, index);
    if (form[1] === 'type' && typed) {
      if (type) throw twice();
      if (!TYPES.includes(value.text))
        throw invalid(option, `type "${value.text}" is not supported`, value.index);
      type = value.text as ThresholdType;
    } else if (form[1] === 'track') {
      if (track) throw twice();
      if (!TRACKS.includes(value.text)) throw invalid(option, `cannot track "${value.text}"`, value.index);
      track = value.text as ThresholdTrack;
    } else if (form[1] === 'count') {
      if (count !== undefined) throw twice();
      count = integer(option, value, 1, MOST);
    } else if (form[1] === 'seconds') {
      if (seconds !== undefined) throw twice();
      seconds = integer(option, value, 1, MOST);
    } else throw invalid(option, `unknown word "${form[1]}"`, index);
  }
  if (!type) throw invalid(option, 'needs "type"');
  if (!track) throw invalid(option, 'needs "track"');
  if (count === undefined) throw invalid(option, 'needs "count"');
  if (seconds === undefined) throw invalid(option, 'needs "seconds"');
  return { type, track, count, seconds };
}

/** `threshold:type limit|threshold|both, track by_src|by_dst|by_both|by_rule|by_flow, count N, seconds T` */
export const threshold: Keyword = {
  names: ['threshold'],
  parse(option, rule) {
    if (rule.thresholds.length >= MOST_THRESHOLDS) throw invalid(option, 'stands too often in one rule');
    rule.thresholds.push(settings(option, true));
  },
};

/** `detection_filter:track by_src|…, count N, seconds T`: matches only above the rate. */
export const detectionFilter: Keyword = {
  names: ['detection_filter'],
  parse(option, rule) {
    if (rule.thresholds.length >= MOST_THRESHOLDS) throw invalid(option, 'stands too often in one rule');
    rule.thresholds.push(settings(option, false));
  },
};
