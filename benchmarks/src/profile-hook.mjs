/**
 * Loaded into a server before its own program (`NODE_OPTIONS=--import=...`): SIGUSR2 starts the CPU profiler, the next one stops it and writes
 * `<pid>.cpuprofile` into the folder that PROFILE_FOLDER names. (`--cpu-prof` is not allowed there in Node.js 20, and would count the start-up.)
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env['PROFILE_FOLDER'];

if (isMainThread && folder !== undefined) {
  const session = new Session();
  let running = false;
  process.on('SIGUSR2', () => {
    if (running) {
      session.post('Profiler.stop', (error, result) => {
        if (error) throw error;
        const path = join(folder, `${process.pid}.cpuprofile`);
        writeFileSync(`${path}.tmp`, JSON.stringify(result.profile));
        renameSync(`${path}.tmp`, path);
        session.disconnect();
      });
      return;
    }
    running = true;
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: 500 });
    session.post('Profiler.start');
  });
}
