const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      // Beside the code: each suite compiles every module anew, and maps within would more than double their text.
      sourceMaps: true,
    },
  ],
};
// Sources are tested as they stand; only native addons and spawned processes need a build.
const moduleNameMapper = {
  '^@portcullis/(.*-binding)$': '<rootDir>/native/$1/src/index.ts',
  '^@portcullis/([a-z-]+)$': '<rootDir>/packages/$1/src/index.ts',
};
const shared = { rootDir: __dirname, testEnvironment: 'node', transform, moduleNameMapper };

const everywhere = (pattern) => [
  `<rootDir>/packages/*/src/**/${pattern}`,
  `<rootDir>/native/*/src/**/${pattern}`,
];

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [...everywhere('*.test.ts'), '<rootDir>/tests/{structure,bench,fuzz}/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.lab\\.test\\.ts$', 'corpora\\.test\\.ts$'],
    },
    {
      ...shared,
      displayName: 'conformance',
      testMatch: [...everywhere('*corpora.test.ts'), '<rootDir>/tests/conformance/**/*.test.ts'],
    },
    {
      // Whatever needs root and the real kernel; scripts/lab.mjs says what runs side by side.
      ...shared,
      displayName: 'lab',
      setupFilesAfterEnv: ['<rootDir>/tests/lab/on-a-busy-machine.ts'],
      testMatch: [
        ...everywhere('*.lab.test.ts'),
        '<rootDir>/tests/{evasion,exhaustion,faults,lab,ops,soak}/**/*.test.ts',
      ],
    },
    {
      // The Debian package on a system of its own: takes minutes, 'npm run test:package'.
      ...shared,
      displayName: 'package',
      testMatch: ['<rootDir>/tests/package/**/*.test.ts'],
    },
  ],
};
