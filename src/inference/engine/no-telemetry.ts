import { isMainThread } from 'node:worker_threads';

/*
 * ONNX Runtime 1.30 looks up its vendor's event host, and writes a device id and an event database
 * under the home folder, unless this variable stands in the process's environment when the library
 * is loaded. This module is the first import of every entry, and of the library's own door.
 */
const name = 'ORT_DISABLE_TELEMETRY';

// A worker's process.env is a copy that native code does not see: its parent has to have set it.
if (!isMainThread && process.env[name] !== '1') {
  throw new Error(`a worker that runs models must be started with ${name}=1, got none`);
}
process.env[name] = '1';
