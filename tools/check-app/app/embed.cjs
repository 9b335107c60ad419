const { rmSync } = require('node:fs');
const { createClient } = require('@zkl/client-sdk');
const { createServer } = require('@zkl/server');

async function main() {
  const server = await createServer({ dataFolder: 'data-cjs', port: 0, logger: false });
  const client = createClient({ endpoints: [`127.0.0.1:${server.address.port}`] });
  try {
    await server.ready;
    await client.create('/app', 'from CommonJS');
    const { data } = await client.get('/app');
    if (new TextDecoder().decode(data) !== 'from CommonJS') throw new Error('read something else');
  } finally {
    await client.close();
    await server.stop();
    rmSync('data-cjs', { recursive: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
