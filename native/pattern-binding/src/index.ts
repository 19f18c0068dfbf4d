export { findLiteral } from './literal';
export {
  type Pattern,
  PatternDatabase,
  patternLibraryFingerprint,
} from './pattern-database';
export { PatternError, type PatternErrorCode } from './pattern-error';
export { PatternScanner, PLACES, type PlacedLiterals } from './pattern-scanner';
export { Regex, type RegexOptions, RegexResult, regexLibraryVersion } from './regex';
