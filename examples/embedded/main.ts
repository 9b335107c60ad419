import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApplication } from './application.js';

const dataFolder = await mkdtemp(join(tmpdir(), 'zkl-example-'));
try {
  {
    await using application = await startApplication(dataFolder);
    await show(application.url, 'PUT', 'buy milk');
    await show(application.url, 'PUT', 'buy bread');
    await show(application.url, 'GET');
  }
  console.log('the application stops, and starts again on the same folder');
  {
    await using application = await startApplication(dataFolder);
    await show(application.url, 'GET');
    await show(application.url, 'GET', undefined, '/none');
  }
} finally {
  await rm(dataFolder, { recursive: true, force: true });
}

async function show(url: string, method: string, body?: string, path = '/shopping'): Promise<void> {
  const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? {} : { body }) });
  const sent = body === undefined ? '' : ` ${body}`;
  console.log(`${method} ${path}${sent}: ${response.status} ${(await response.text()).trim()}`);
}
