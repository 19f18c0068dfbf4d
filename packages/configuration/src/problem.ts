/** One thing that is wrong with a configuration. */
export interface ConfigurationProblem {
  /** `stream.reassembly.depth`; empty for the file as a whole. */
  key: string;
  message: string;
  /** Line in the file, from 1; 0 where the value came from the command line. */
  line: number;
  /** Where it stands, where that is not the error's own source. */
  source?: string;
}

export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION_INVALID';
  constructor(
    readonly source: string,
    readonly problems: readonly ConfigurationProblem[],
  ) {
    super(
      problems
        .map(({ key, message, line, source: own }) => {
          const where = own ?? source;
          return `${line > 0 ? `${where}:${line}` : where}: ${key ? `${key}: ` : ''}${message}`;
        })
        .join('\n'),
    );
    this.name = 'ConfigurationError';
  }
}
