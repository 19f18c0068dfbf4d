const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
};
// Sources are tested as they stand; only native addons and spawned processes need a build.
const moduleNameMapper = {
  '^@portcullis/(.*-binding)$': '<rootDir>/native/$1/src/index.ts',
  '^@portcullis/([a-z]+)$': '<rootDir>/packages/$1/src/index.ts',
};
const shared = { rootDir: __dirname, testEnvironment: 'node', transform, moduleNameMapper };

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/packages/*/src/**/*.test.ts',
        '<rootDir>/native/*/src/**/*.test.ts',
        '<rootDir>/tests/structure/**/*.test.ts',
      ],
    },
    { ...shared, displayName: 'conformance', testMatch: ['<rootDir>/tests/conformance/**/*.test.ts'] },
    { ...shared, displayName: 'lab', testMatch: ['<rootDir>/tests/lab/**/*.test.ts'] },
  ],
};
