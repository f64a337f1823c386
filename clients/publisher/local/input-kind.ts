import { readRtspUrl } from '../rtsp/rtsp-connection.ts';

/** What an input is, told from how it is written. */
export type InputKind = 'rtsp' | 'device' | 'stdin' | 'file';

/** Things below /dev that are no cameras. */
const standardInput = new Set(['-', '/dev/stdin', '/dev/fd/0']);

/** Tells a camera's URL, a device, standard input and a file. Throws `invalid-config` for other URLs. */
export function inputKind(input: string): InputKind {
  if (standardInput.has(input)) return 'stdin';
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(input)) {
    readRtspUrl(input);
    return 'rtsp';
  }
  // Shells write <(…) as /dev/fd/63.
  return input.startsWith('/dev/') && !input.startsWith('/dev/fd/') ? 'device' : 'file';
}

/** How an input is called where people read it: never with its password. */
export function inputName(input: string): string {
  const kind = inputKind(input);
  if (kind === 'rtsp') return readRtspUrl(input).url;
  return kind === 'stdin' ? 'stdin' : input;
}
