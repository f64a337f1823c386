import type { CallEnd, OpenVideoCall } from '../../core/video-call.ts';
import { SegmentVideoRequest } from '../../../src/gen/maskstream/v1/video_request.ts';
import { SegmentVideoResponse } from '../../../src/gen/maskstream/v1/video_response.ts';

const service = '/maskstream.v1.SegmentationService';

/** gRPC's UNAVAILABLE: nobody is there, or nobody any more. */
const unavailable = 14;

/** Where the page's own server is, and what it asks of callers. */
export type ServerAccess = {
  /** Such as `ws://127.0.0.1:50080`. */
  readonly address: string;
  /** Bearer token; null where the server asks for none. */
  readonly token: string | null;
};

/** Opens SegmentVideo over a WebSocket of the server's gateway. */
export function openSocketCall(access: ServerAccess): OpenVideoCall {
  return ({ onResponse, onEnd }) => {
    const socket = openSocket(access, 'SegmentVideo', {
      onMessage: (bytes) => onResponse(SegmentVideoResponse.decode(bytes)),
      onEnd,
    });
    return {
      send: (request) => socket.send(SegmentVideoRequest.encode(request).finish()),
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      end: () => socket.end(),
      cancel: () => socket.cancel(),
    };
  };
}

/** Calls a method that takes one message and answers with one. Rejects with {@link CallFailure}. */
export function callOnce(
  access: ServerAccess,
  method: 'ListModels' | 'SegmentImage',
  request: Uint8Array,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let answer: Uint8Array | null = null;
    const socket = openSocket(access, method, {
      onMessage: (bytes) => (answer = bytes),
      onEnd: (end) => {
        if (end.code === 0 && answer !== null) resolve(answer);
        else reject(new CallFailure(end));
      },
    });
    socket.send(request);
  });
}

/** A call that did not end well. */
export class CallFailure extends Error {
  readonly end: CallEnd;

  constructor(end: CallEnd) {
    super(end.message);
    this.end = end;
  }
}

type SocketEvents = {
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onEnd: (end: CallEnd) => void;
};

function openSocket({ address, token }: ServerAccess, method: string, events: SocketEvents) {
  const socket = new WebSocket(`${address}${service}/${method}`);
  socket.binaryType = 'arraybuffer';
  const waiting: (Uint8Array | string)[] = [];
  let end: CallEnd | null = null;
  let over = false;
  const write = (message: Uint8Array | string) => {
    if (socket.readyState === WebSocket.CONNECTING) waiting.push(message);
    else if (socket.readyState === WebSocket.OPEN) socket.send(message as string);
  };
  if (token !== null) write(JSON.stringify({ type: 'open', token }));
  socket.addEventListener('open', () => {
    for (const message of waiting.splice(0)) socket.send(message as string);
  });
  socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (over) return;
    if (typeof data === 'string') end = parseEnd(data);
    else events.onMessage(new Uint8Array(data));
  });
  socket.addEventListener('close', () => {
    if (over) return;
    over = true;
    events.onEnd(end ?? { code: unavailable, message: 'the connection was lost', errorCode: null });
  });
  return {
    send: write,
    end: () => write(JSON.stringify({ type: 'end' })),
    cancel: () => {
      over = true;
      socket.close();
    },
    get bufferedBytes() {
      return socket.bufferedAmount + waiting.reduce((sum, message) => sum + message.length, 0);
    },
  };
}

function parseEnd(text: string): CallEnd {
  const {
    code,
    message,
    error_code: errorCode = null,
    retry_after_ms: retryAfterMs = null,
  } = JSON.parse(text) as {
    code: number;
    message: string;
    error_code?: string;
    retry_after_ms?: number;
  };
  return { code, message, errorCode, retryAfterMs };
}
