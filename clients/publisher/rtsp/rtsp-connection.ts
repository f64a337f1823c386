import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MaskstreamError } from '../../core/maskstream-error.ts';
import { authorize, type Login } from './digest.ts';

/** An answer; names of headers are in small letters. */
export type RtspResponse = {
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
};

/** A camera as its URL names it. */
export type RtspAddress = {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** The URL without name and password. */
  readonly url: string;
  readonly login: Login | null;
};

/** What comes beside answers. */
export type RtspEvents = {
  /** Data of a channel (RFC 2326, 10.12). */
  readonly onData: (channel: number, bytes: Buffer) => void;
  /** The connection is over; once. */
  readonly onClose: (reason: MaskstreamError) => void;
};

const defaultPorts = { 'rtsp:': 554, 'rtsps:': 322 } as const;

/** A camera that says nothing for so long is taken for gone. */
const answerTimeoutMs = 10_000;

/** More is no head of an answer. */
const maxHeadBytes = 64 * 1024;

/** Reads `rtsp[s]://[user:password@]host[:port]/path`. Throws `invalid-config`. */
export function readRtspUrl(text: string): RtspAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  const protocol = url?.protocol;
  if (url === null || (protocol !== 'rtsp:' && protocol !== 'rtsps:') || url.hostname === '') {
    throw new MaskstreamError('invalid-config', `expected rtsp://HOST[:PORT]/PATH, got "${text}"`);
  }
  const login = {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
  const port = url.port === '' ? defaultPorts[protocol] : Number(url.port);
  [url.username, url.password] = ['', ''];
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    tls: protocol === 'rtsps:',
    url: url.href,
    login: login.user === '' ? null : login,
  };
}

/**
 * One connection to a camera (RTSP 1.0, RFC 2326): requests one after the other, media in between.
 * Errors are `camera-unreachable`, `camera-lost` and `camera-refused`.
 */
export class RtspConnection implements Disposable {
  readonly #socket: Socket;
  readonly #address: RtspAddress;
  readonly #events: RtspEvents;
  #read: Buffer = Buffer.alloc(0);
  #nextNumber = 1;
  #waiting = new Map<number, (response: RtspResponse | MaskstreamError) => void>();
  #challenges: readonly string[] = [];
  #over: MaskstreamError | null = null;

  /** Connects; rejects with `camera-unreachable`. */
  static async open(
    address: RtspAddress,
    events: RtspEvents,
    signal: AbortSignal,
  ): Promise<RtspConnection> {
    const { host, port, tls } = address;
    const socket = tls
      ? connectTls({ host, port, servername: host })
      : connectTcp({ host, port, noDelay: true });
    try {
      const bounds = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
      await once(socket, tls ? 'secureConnect' : 'connect', { signal: bounds });
    } catch (cause) {
      socket.on('error', () => undefined).destroy();
      const said =
        cause instanceof Error && cause.name !== 'AbortError' ? `: ${cause.message}` : '';
      const message = `expected a camera at ${host}:${port}, got no connection${said}`;
      throw new MaskstreamError('camera-unreachable', message, { cause });
    }
    return new RtspConnection(socket, address, events);
  }

  private constructor(socket: Socket, address: RtspAddress, events: RtspEvents) {
    this.#socket = socket;
    this.#address = address;
    this.#events = events;
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', (error) => this.#close(lost(error.message, error)));
    socket.on('close', () => this.#close(lost('the connection was closed')));
  }

  /** Address of the camera. */
  get peer(): string {
    return this.#socket.remoteAddress ?? this.#address.host;
  }

  /** Sends a request and waits for its answer; one that asks for a login is made again with it. */
  async request(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RtspResponse> {
    const first = await this.#ask(method, uri, headers);
    if (first.status !== 401 || this.#address.login === null) return checked(first, method);
    this.#challenges = first.headers.get('www-authenticate') ?? [];
    return checked(await this.#ask(method, uri, headers), method);
  }

  /** Ends the connection without an event. */
  [Symbol.dispose](): void {
    this.#over ??= lost('it was left');
    this.#socket.destroy();
    for (const answer of this.#waiting.values()) answer(this.#over);
    this.#waiting.clear();
  }

  async #ask(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<RtspResponse> {
    if (this.#over !== null) throw this.#over;
    const number = this.#nextNumber++;
    const { login } = this.#address;
    const authorization = login && authorize(this.#challenges, login, { method, uri });
    const lines = Object.entries({
      CSeq: String(number),
      'User-Agent': 'maskstream-publisher',
      ...(authorization === null ? {} : { Authorization: authorization }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const answered = new Promise<RtspResponse | MaskstreamError>((resolve) =>
      this.#waiting.set(number, resolve),
    );
    this.#socket.write(`${method} ${uri} RTSP/1.0\r\n${lines.join('')}\r\n`);
    const timer = setTimeout(
      () => this.#close(lost(`no answer to ${method} in ${answerTimeoutMs / 1000} s`)),
      answerTimeoutMs,
    );
    const answer = await answered.finally(() => clearTimeout(timer));
    if (answer instanceof MaskstreamError) throw answer;
    return answer;
  }

  #close(reason: MaskstreamError): void {
    if (this.#over !== null) return;
    this[Symbol.dispose]();
    this.#over = reason;
    this.#events.onClose(reason);
  }

  #take(bytes: Buffer): void {
    this.#read = this.#read.length === 0 ? bytes : Buffer.concat([this.#read, bytes]);
    let at = 0;
    while (this.#over === null && at < this.#read.length) {
      const rest = this.#read.subarray(at);
      const taken = rest[0] === 0x24 ? this.#takeData(rest) : this.#takeText(rest);
      if (taken === 0) break;
      at += taken;
    }
    this.#read = this.#read.subarray(at);
  }

  #takeData(bytes: Buffer): number {
    if (bytes.length < 4) return 0;
    const end = 4 + bytes.readUInt16BE(2);
    if (bytes.length < end) return 0;
    this.#events.onData(bytes[1]!, bytes.subarray(4, end));
    return end;
  }

  #takeText(bytes: Buffer): number {
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd < 0) {
      if (bytes.length > maxHeadBytes) this.#close(lost('what it sends is not RTSP'));
      return 0;
    }
    const [first = '', ...lines] = bytes.toString('utf8', 0, headEnd).trimStart().split('\r\n');
    const headers = readHeaders(lines);
    const end = headEnd + 4 + Number(headers.get('content-length')?.[0] ?? 0);
    if (bytes.length < end) return 0;
    const [, status, reason = ''] = /^RTSP\/\d\.\d (\d{3}) ?(.*)$/.exec(first) ?? [];
    const number = Number(headers.get('cseq')?.[0]);
    // A request of the camera's own, such as its keep-alive: everything but that is left unanswered.
    if (status === undefined) this.#socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${number}\r\n\r\n`);
    else {
      const body = bytes.toString('utf8', headEnd + 4, end);
      this.#waiting.get(number)?.({ status: Number(status), reason, headers, body });
      this.#waiting.delete(number);
    }
    return end;
  }
}

function readHeaders(lines: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return headers;
}

function checked(response: RtspResponse, method: string): RtspResponse {
  if (response.status === 200) return response;
  const { status, reason } = response;
  const hint = status === 401 ? ': expected another name or password in the URL' : '';
  throw new MaskstreamError('camera-refused', `${method} was answered ${status} ${reason}${hint}`);
}

function lost(why: string, cause?: unknown): MaskstreamError {
  return new MaskstreamError('camera-lost', `the camera was lost: ${why}`, { cause });
}
