/** What a matcher has counted since it was made. */
export interface MatcherStatistics {
  candidates: number;
  evaluated: number;
  recursionExceeded: number;
  budgetExceeded: number;
  prefilterOverflow: number;
  candidateOverflow: number;
  matchOverflow: number;
  waitingRefused: number;
  flowBitsRefused: number;
  transformOverflow: number;
  thresholdEvictions: number;
}

export function noStatistics(): MatcherStatistics {
  return {
    candidates: 0,
    evaluated: 0,
    recursionExceeded: 0,
    budgetExceeded: 0,
    prefilterOverflow: 0,
    candidateOverflow: 0,
    matchOverflow: 0,
    waitingRefused: 0,
    flowBitsRefused: 0,
    transformOverflow: 0,
    thresholdEvictions: 0,
  };
}
