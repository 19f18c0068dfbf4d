import {
  type Configuration,
  changedRestartKeys,
  keepRestartKeys,
  type LoadOptions,
  prepareChange,
  type ResolvedConfiguration,
  resolveConfiguration,
  type SettingsChange,
} from '@portcullis/configuration';

/** The configuration that the engine goes by, and how another takes its place. */
export class ConfigurationInForce {
  private read: ResolvedConfiguration;
  private current: Configuration;

  /** @throws ConfigurationError */
  constructor(private readonly options: LoadOptions) {
    this.read = resolveConfiguration(options);
    this.current = this.read.configuration;
  }

  /** As it was read last, also what a restart only would put in force. */
  get resolved(): ResolvedConfiguration {
    return this.read;
  }

  get configuration(): Configuration {
    return this.current;
  }

  /** Reads the files as they are now; nothing changes by that. @throws ConfigurationError */
  readAgain(): ResolvedConfiguration {
    return resolveConfiguration(this.options);
  }

  /** A change of the settings from the command line, tried out and not stored. @throws ConfigurationError */
  prepare(change: SettingsChange): ReturnType<typeof prepareChange> {
    return prepareChange(this.options, change);
  }

  /**
   * @param bringAbout brings the engine to the new one, which is `configuration` by then
   * @returns the keys that stay as they were until a restart
   * @throws what `bringAbout` does; the one before is in force then
   */
  async replace(next: ResolvedConfiguration, bringAbout: () => Promise<void>): Promise<string[]> {
    const before = this.current;
    const needsRestart = changedRestartKeys(before, next.configuration);
    this.current = keepRestartKeys(before, next.configuration);
    try {
      await bringAbout();
    } catch (error) {
      this.current = before;
      throw error;
    }
    this.read = next;
    return needsRestart;
  }
}
