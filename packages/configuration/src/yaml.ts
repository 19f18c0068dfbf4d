/** The YAML parser, loaded where there is something to read: commands are quick without it. */
export const yaml = () => require('yaml') as typeof import('yaml');
