// Runs in one network namespace and evaluates the functions that a test sends (see namespace-lab.ts).
const { join } = require('node:path');

const state = {};
const context = {
  require,
  state,
  nfqueue: require(join(__dirname, '../dist/index.js')),
  entry: join(__dirname, '../dist/index.js'),
  tick: () => new Promise((resolve) => setImmediate(resolve)),
};

process.on('message', async ({ id, source, argument }) => {
  try {
    const body = new Function(`return ${source}`)();
    const result = await body(context, argument);
    process.send({ id, result });
  } catch (error) {
    process.send({ id, error: { message: error.message, code: error.code, stack: error.stack } });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
